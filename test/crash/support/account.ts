/**
 * What the writers of one topic sent and were told, and the log held against it. Each value says who sent it, in
 * which batch and where in it: `writer:sequence:index:count:…`.
 */
import { checksumMatches, decodeRecord, recordLength } from '../../../src/record/index.ts'

/** Records of one request for one partition: an atomic batch. */
export interface SentRun {
  readonly writer: number
  /** Ascending per writer. */
  readonly sequence: number
  readonly partition: number
  readonly values: readonly string[]
  /** Where it was said to stand; undefined where no reply came. */
  offset: number | undefined
}

const keyOf = (writer: number, sequence: number, partition: number): string =>
  `${writer}:${sequence}@${partition}`

interface FoundRun {
  readonly sent: SentRun
  readonly offset: number
}

/** What is known of one partition's records below `next`: they were all held against the account. */
class Checked {
  next = 0
  lastMs = 0
  /** Where each run stands. */
  readonly there = new Map<SentRun, number>()
  /** The last sequence of each writer. */
  readonly last = new Map<number, number>()
}

export class Account {
  readonly #runs = new Map<string, SentRun>()
  readonly #checked = new Map<number, Checked>()
  acknowledged = 0

  send(runs: readonly SentRun[]): void {
    for (const run of runs) this.#runs.set(keyOf(run.writer, run.sequence, run.partition), run)
  }

  acknowledge(run: SentRun, offset: number): void {
    run.offset = offset
    this.acknowledged += 1
  }

  /** The offset up to which `partition` was checked. */
  checkedUpTo(partition: number): number {
    return this.#checkedOf(partition).next
  }

  /** From now on everything is to be checked again. */
  startAgain(): void {
    this.#checked.clear()
  }

  #checkedOf(partition: number): Checked {
    const known = this.#checked.get(partition) ?? new Checked()
    this.#checked.set(partition, known)
    return known
  }

  /** Throws where the records of `partition`, from {@link checkedUpTo} to its end, are not what was promised. */
  check(partition: number, bytes: Buffer): void {
    const checked = this.#checkedOf(partition)
    const { there, last } = checked
    for (const { sent, offset } of this.#runsIn(partition, checked, bytes)) {
      const what = `batch ${sent.writer}:${sent.sequence} of partition ${partition}`
      if (there.has(sent)) throw new Error(`NothingTwice: ${what} at ${there.get(sent)}, ${offset}`)
      there.set(sent, offset)
      if (sent.sequence <= (last.get(sent.writer) ?? -1)) throw new Error(`OrderKept: ${what}`)
      last.set(sent.writer, sent.sequence)
    }
    for (const run of this.#runs.values()) {
      if (run.partition !== partition || run.offset === undefined) continue
      if (there.get(run) === run.offset) continue
      const what = `${run.writer}:${run.sequence}, acknowledged at ${run.offset}`
      throw new Error(`NoAcknowledgedRecordLost: ${what}, stands at ${there.get(run)}`)
    }
  }

  *#runsIn(partition: number, checked: Checked, bytes: Buffer): Generator<FoundRun> {
    const start = checked.next
    const records = [...checkedRecords(bytes, checked)]
    for (let at = 0; at < records.length; ) {
      const value = records[at] ?? ''
      const [writer, sequence] = value.split(':')
      const sent = this.#runs.get(keyOf(Number(writer), Number(sequence), partition))
      if (sent === undefined) throw new Error(`NothingInvented: ${value.slice(0, 40)} at ${at}`)
      const there = records.slice(at, at + sent.values.length)
      if (there.some((each, index) => each !== sent.values[index])) {
        throw new Error(`BatchesAreAtomic: ${value.slice(0, 40)} at ${at} of ${partition}`)
      }
      yield { sent, offset: start + at }
      at += sent.values.length
    }
  }
}

/** The values of whole records with dense offsets and times that never go back. */
function* checkedRecords(bytes: Buffer, checked: Checked): Generator<string> {
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    const { offset, timestampMs, value } = decodeRecord(bytes, at)
    if (!checksumMatches(bytes, at)) throw new Error(`NothingInvented: checksum at ${offset}`)
    if (offset !== checked.next) {
      throw new Error(`OffsetsAreGapless: ${offset} where ${checked.next} belongs`)
    }
    if (timestampMs < checked.lastMs) throw new Error(`TimestampsNeverGoBack: at ${offset}`)
    checked.lastMs = timestampMs
    checked.next += 1
    yield String(value)
  }
}
