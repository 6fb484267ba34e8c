/** What must hold of a log after a crash, each by its name. A property returns what is wrong, or undefined. */
import type { Acks, LogOffsets } from '../../../src/log/index.ts'
import { type FoundRecord, type Ledger, mustBeThere, type SentBatch } from './ledger.ts'

export interface Evidence {
  readonly ledger: Ledger
  /** Everything that can be read now, from start to end. */
  readonly found: readonly FoundRecord[]
  readonly offsets: LogOffsets
  /** The lane of each record, from start to end; undefined where nobody asked. */
  readonly lanes?: readonly number[] | undefined
  /** What the crash had to leave: `all` after a power loss, `leader` after one of the process or a clean stop. */
  readonly kept: Acks
}

type Property = (evidence: Evidence) => string | undefined

/** Records that follow each other and are of one batch. */
function runsOf(found: readonly FoundRecord[]): FoundRecord[][] {
  const runs: FoundRecord[][] = []
  for (const record of found) {
    const run = runs.at(-1)
    const last = run?.at(-1)
    const goesOn = last?.batch === record.batch && record.index === (last?.index ?? 0) + 1
    if (run !== undefined && goesOn) run.push(record)
    else runs.push([record])
  }
  return runs
}

const baseOf = (found: readonly FoundRecord[], batch: SentBatch): FoundRecord | undefined =>
  found.find((record) => record.batch === batch && record.index === 0)

/** True where retention may have taken the batch. */
const isRetired = ({ answer, mayBeRetired }: SentBatch, { start }: LogOffsets): boolean =>
  answer === undefined ? mayBeRetired : answer.baseOffset < start

export const PROPERTIES: Readonly<Record<string, Property>> = {
  OffsetsAreGapless({ found, offsets }) {
    let next: number = offsets.start
    for (const { offset } of found) {
      if (offset !== next) return `offset ${offset} where ${next} belongs`
      next += 1
    }
    return next === offsets.next ? undefined : `records end at ${next}, the log at ${offsets.next}`
  },

  TimestampsNeverGoBack({ found }) {
    const at = found.findIndex((each, i) => each.timestampMs < (found[i - 1]?.timestampMs ?? 0))
    return at < 0
      ? undefined
      : `the record at offset ${found[at]?.offset} is older than the one before`
  },

  NothingInvented({ found }) {
    const strange = found.find((record) => record.batch === undefined)
    return strange && `nobody sent the record at offset ${strange.offset}`
  },

  BatchesAreAtomic({ found }) {
    const seen = new Set<SentBatch | undefined>()
    for (const run of runsOf(found)) {
      const [first] = run
      const { batch } = first as FoundRecord
      if (batch === undefined) continue
      if (first?.index !== 0 || run.length !== batch.records.length) {
        return `${run.length} of ${batch.records.length} records of batch ${batch.id} at ${first?.offset}`
      }
      if (seen.has(batch)) return `batch ${batch.id} is there twice`
      seen.add(batch)
    }
    return undefined
  },

  OrderKept({ found }) {
    const ids = found.map((record) => record.batch?.id ?? 0)
    const at = ids.findIndex((id, index) => id < (ids[index - 1] ?? 0))
    return at < 0 ? undefined : `batch ${ids[at]} stands behind batch ${ids[at - 1]}`
  },

  NoAcknowledgedRecordLost({ ledger, found, offsets, kept }) {
    const there = new Set(found.map((record) => record.batch))
    const lost = ledger
      .batches()
      .filter((batch) => mustBeThere(batch, kept) && !there.has(batch))
      .find((batch) => !isRetired(batch, offsets))
    return lost && `batch ${lost.id}, owed as ${lost.owed} at ${lost.answer?.baseOffset}, is gone`
  },

  AnswersHold({ ledger, found }) {
    for (const batch of ledger.batches()) {
      const first = batch.answer && baseOf(found, batch)
      if (first === undefined) continue
      const { baseOffset, timestampMs } = batch.answer as NonNullable<SentBatch['answer']>
      if (first.offset !== baseOffset || first.timestampMs !== timestampMs) {
        return `batch ${batch.id} stands at ${first.offset}, the answer was ${baseOffset}`
      }
    }
    return undefined
  },

  RefusedLeavesNothing({ found, kept }) {
    // A write that was taken back may return with a power loss: wholly, as any that was not acknowledged.
    const back = kept === 'all' ? undefined : found.find((record) => record.batch?.refused)
    return back && `batch ${back.batch?.id} was refused and stands at ${back.offset}`
  },

  NothingDurableLost({ ledger, offsets, kept }) {
    const promised = kept === 'all' ? ledger.seen.durable : ledger.seen.next
    return offsets.next >= promised ? undefined : `ends at ${offsets.next}, had reached ${promised}`
  },

  RetentionTakesOnlyWhatItMay({ ledger, offsets }) {
    const { startMax } = ledger
    return offsets.start <= startMax ? undefined : `starts at ${offsets.start}, at most ${startMax}`
  },

  EachRecordIsInItsLane({ found, lanes }) {
    const at = lanes === undefined ? -1 : found.findIndex((each, i) => each.priority !== lanes[i])
    if (at < 0) return undefined
    return `offset ${found[at]?.offset} is of priority ${found[at]?.priority}, in lane ${lanes?.[at]}`
  },

  WatermarksAreInOrder({ offsets: { start, durable, next } }) {
    return start <= durable && durable <= next ? undefined : `${start} ${durable} ${next}`
  },
}

/** One line for each property that does not hold. */
export const violations = (evidence: Evidence): string[] =>
  Object.entries(PROPERTIES).flatMap(([name, property]) => {
    const wrong = property(evidence)
    return wrong === undefined ? [] : [`${name} (${evidence.ledger.name}): ${wrong}`]
  })
