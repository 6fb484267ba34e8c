/**
 * What a client knows of one log: each batch it sent, in the order of its calls, and what it was told. After a
 * crash the log is held against it (see `properties.ts`), and from then on what was found is what is known.
 */
import type { Priority } from '../../../src/kernel/priority.ts'
import { ACKS, type Acks, type AppendResult, type LogOffsets } from '../../../src/log/index.ts'
import {
  AT_FLAGS,
  BatchBuilder,
  FLAG,
  HEADER_BYTES,
  type RecordBatch,
  type RecordInput,
  recordLength,
  recordOffset,
  recordPriority,
  recordTimestampMs,
} from '../../../src/record/index.ts'
import type { SeededRandom } from '../../support/random.ts'

export interface SentBatch {
  /** Ascending in the order of the calls. */
  readonly id: number
  /** The records as they were sent, without what a log stamps. */
  readonly records: readonly Buffer[]
  /** What was promised: `none` also for a batch that was not acknowledged at all. */
  owed: Acks
  /** Where the log said it put the batch; undefined while it has said nothing, or where that means nothing. */
  answer: { readonly baseOffset: number; readonly timestampMs: number } | undefined
  /** True where the log said that nothing of it is there. */
  refused: boolean
  /** True where its place is unknown and retention was at work since. */
  mayBeRetired: boolean
}

export interface FoundRecord {
  readonly offset: number
  readonly timestampMs: number
  /** Undefined where no batch was ever sent that holds it. */
  readonly batch: SentBatch | undefined
  readonly index: number
  readonly priority: number
}

const AT_PRIORITY = 24
const AT_KEY_LENGTH = 26
/** Of a batch's number and a record's index. */
const MARK_CHARS_MAX = 16
const isAtLeast = (owed: Acks, acks: Acks): boolean => ACKS.indexOf(owed) >= ACKS.indexOf(acks)

export class Ledger {
  readonly name: string
  readonly #mixed: boolean
  readonly #batches = new Map<number, SentBatch>()
  #nextId = 0
  /** No record at or above it may have gone by retention. */
  startMax = 0
  /** What must have outlasted the crashes since the log was last held against this ledger. */
  kept: Acks = 'leader'
  /** The greatest offset below which everything was said to be on disk, or was readable. */
  readonly seen = { durable: 0, next: 0 }

  /** `mixed`: its records are of all priorities, or else all normal. */
  constructor(name: string, mixed = false) {
    this.name = name
    this.#mixed = mixed
  }

  /** In the order of the calls. */
  batches(): readonly SentBatch[] {
    return [...this.#batches.values()]
  }

  /** A batch of its own content, known as sent from now on. */
  newBatch(random: SeededRandom, count: number): { sent: SentBatch; batch: RecordBatch } {
    const id = this.#nextId
    this.#nextId += 1
    const builder = new BatchBuilder(64)
    for (let index = 0; index < count; index += 1) {
      const record = randomRecord(random, `${this.name}|${id}|${index}|`)
      builder.add(this.#mixed ? { ...record, priority: laneOf(id, index) } : record)
    }
    const batch = builder.take()
    const records = wholeRecords(Buffer.from(batch.bytes))
    const sent: SentBatch = {
      ...{ id, records, owed: 'none', answer: undefined },
      ...{ refused: false, mayBeRetired: false },
    }
    this.#batches.set(id, sent)
    return { sent, batch }
  }

  acknowledge(sent: SentBatch, acks: Acks, result: AppendResult): void {
    sent.owed = acks
    // What was queued only has no place yet.
    if (acks !== 'none') sent.answer = result
  }

  /** After a sync or a close: these are owed whatever happens. */
  oweAll(batches: readonly SentBatch[]): void {
    for (const batch of batches) if (!batch.refused) batch.owed = 'all'
  }

  /** Retention begins, and may take what is below `start`. */
  retire(start: number): void {
    this.startMax = Math.max(this.startMax, start)
    for (const batch of this.#batches.values()) batch.mayBeRetired ||= batch.answer === undefined
  }

  note(offsets: LogOffsets): void {
    this.seen.durable = Math.max(this.seen.durable, offsets.durable)
    this.seen.next = Math.max(this.seen.next, offsets.next)
  }

  find(bytes: Buffer): FoundRecord[] {
    const found: FoundRecord[] = []
    let at = 0
    while (at < bytes.length) {
      const record = bytes.subarray(at, at + recordLength(bytes, at))
      const [offset, timestampMs] = [recordOffset(record, 0), recordTimestampMs(record, 0)]
      const mark = record.indexOf(this.name, HEADER_BYTES)
      const text = record.toString('latin1', mark, mark + this.name.length + MARK_CHARS_MAX)
      const [, id, index] = text.split('|')
      const batch = mark < 0 ? undefined : this.#batches.get(Number(id))
      const sent = batch?.records[Number(index)]
      const isSame = sent !== undefined && isStampedForm(record, sent)
      const priority = recordPriority(record, 0)
      const known = isSame ? batch : undefined
      found.push({ offset, timestampMs, batch: known, index: Number(index), priority })
      at += record.length
    }
    return found
  }

  /**
   * What is gone now must not come back, and what is there is owed as it would be to a client that read it. Only a
   * refused batch may still return with a power loss, which undoes the cut that took it back.
   */
  settle(found: readonly FoundRecord[], offsets: LogOffsets): void {
    const kept = new Set(found.map((record) => record.batch))
    for (const batch of this.#batches.values()) {
      if (kept.has(batch)) {
        if (!isAtLeast(batch.owed, this.kept)) batch.owed = this.kept
        batch.refused = false
      } else if (!batch.refused) this.#batches.delete(batch.id)
    }
    for (const { batch, index, offset, timestampMs } of found) {
      if (batch && index === 0) batch.answer = { baseOffset: offset, timestampMs }
    }
    this.kept = 'leader'
    this.seen.durable = offsets.durable
    this.seen.next = offsets.next
    this.startMax = Math.max(this.startMax, offsets.start)
  }
}

/** True where a batch that is owed `batch.owed` must be there after a crash that leaves what is owed `kept`. */
export const mustBeThere = (batch: SentBatch, kept: Acks): boolean => isAtLeast(batch.owed, kept)

function randomRecord(random: SeededRandom, mark: string): RecordInput {
  const padding = random.chance(0.1) ? random.int(3000) : random.int(120)
  return {
    value: mark + String.fromCharCode(97 + random.int(26)).repeat(padding),
    ...(random.chance(0.5) ? { key: `key-${random.int(5)}` } : {}),
    ...(random.chance(0.1) ? { extension: { headers: { source: mark } } } : {}),
  }
}

/** Some batches normal, some of one other lane, some of any: without drawing, so that seeds mean what they meant. */
function laneOf(id: number, index: number): Priority {
  const kind = Math.floor(id / 4) % 4
  if (kind === 0) return 2
  return ((kind === 1 ? 4 : kind === 2 ? id : id * 3 + index) % 5) as Priority
}

function wholeRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    records.push(bytes.subarray(at, at + recordLength(bytes, at)))
  }
  return records
}

/** True where `record` is what was sent, but for what the log wrote into it. */
const isStampedForm = (record: Buffer, sent: Buffer): boolean =>
  record.length === sent.length &&
  record.compare(sent, 0, AT_FLAGS, 0, AT_FLAGS) === 0 &&
  ((record[AT_FLAGS] as number) & ~FLAG.MORE) === sent[AT_FLAGS] &&
  record[AT_PRIORITY] === sent[AT_PRIORITY] &&
  record.compare(sent, AT_KEY_LENGTH, sent.length, AT_KEY_LENGTH) === 0
