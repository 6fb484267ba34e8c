/**
 * Records of one hand-out, in order: those that wait for a handler, and of those that had one what came of it and is
 * not told yet.
 */
import type { LeasePart } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { checksumMatches, recordLength, recordOffset, recordProblem } from '../../record/index.ts'
import type { HeldSlot } from './leaseTable.ts'
import { WorkMessage } from './message.ts'

export class Lot {
  readonly part: LeasePart
  /** Place of its topic in the worker's list. */
  readonly topic: number
  readonly sinceMs: number
  /**
   * Where what waits for a handler is held: one slot for all of it, or, where records of other lanes lie between its own,
   * one for each.
   */
  readonly held: readonly HeldSlot[]
  /** Acknowledged and not told, by their number in the lot: from, to, from, to, … */
  acked: number[] = []
  /** Of those that were taken, where records of other lanes lie between. */
  readonly #offsets: number[] | undefined
  #at = 0
  #taken = 0

  constructor(part: LeasePart, topic: number, held: readonly HeldSlot[], sinceMs: number) {
    this.part = part
    this.topic = topic
    this.held = held
    this.sinceMs = sinceMs
    this.#offsets = isScattered(part) ? [] : undefined
  }

  get lane(): number {
    return this.part.lane
  }

  /** Records that were taken out of it. */
  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.part.count - this.#taken
  }

  /** The offset of the next one. */
  get next(): number {
    if (this.#offsets === undefined) return this.part.offset + this.#taken
    return this.waiting === 0 ? this.part.nextOffset : recordOffset(this.part.bytes, this.#at)
  }

  /** Where the next one is held. */
  get nextHeld(): HeldSlot {
    return this.held[this.#offsets === undefined ? 0 : this.#taken] as HeldSlot
  }

  /** True where each record has a slot of its own. */
  get isScattered(): boolean {
    return this.#offsets !== undefined
  }

  /** The slots of what waits. */
  waitingHeld(): readonly HeldSlot[] {
    return this.#offsets === undefined ? this.held : this.held.slice(this.#taken)
  }

  /** The next message. */
  take(group: string): WorkMessage {
    const message = new WorkMessage(group, this.part, this.#at)
    this.#offsets?.push(message.offset)
    this.#at += recordLength(this.part.bytes, this.#at)
    this.#taken += 1
    return message
  }

  /** True where it is the first that is to be told of this lot. Neighbours become one range. */
  ack(number: number): boolean {
    const { acked } = this
    const last = acked.length - 1
    if (last > 0 && acked[last] === number) {
      acked[last] = number + 1
      return false
    }
    acked.push(number, number + 1)
    return last < 0
  }

  /** What is to be told, in order, neighbours together. It counts as told then. */
  ackedRanges(): AckedRange[] {
    const { acked } = this
    this.acked = []
    if (acked.length === 2) return [this.#range(acked[0] ?? 0, acked[1] ?? 0)]
    const pairs: [number, number][] = []
    for (let i = 0; i < acked.length; i += 2) pairs.push([acked[i] ?? 0, acked[i + 1] ?? 0])
    pairs.sort(([a], [b]) => a - b)
    const joined: [number, number][] = []
    for (const pair of pairs) {
      const last = joined.at(-1)
      if (last !== undefined && last[1] === pair[0]) last[1] = pair[1]
      else joined.push(pair)
    }
    return joined.map(([begin, end]) => this.#range(begin, end))
  }

  /** Of the records from number `begin` to before `end`. */
  #range(begin: number, end: number): AckedRange {
    const { offset } = this.part
    if (this.#offsets === undefined) return { from: offset + begin, to: offset + end }
    const offsets = this.#offsets.slice(begin, end)
    return { from: offsets[0] as number, to: (offsets.at(-1) as number) + 1, offsets }
  }
}

export interface AckedRange {
  readonly from: number
  readonly to: number
  /** All of them, where records of other lanes lie between. */
  readonly offsets?: readonly number[]
}

/** True where records of other lanes lie between its own. */
export const isScattered = ({ offset, nextOffset, count }: LeasePart): boolean =>
  nextOffset - offset > count

/** Throws CORRUPT_RECORD where the bytes of the part are not what was stored. */
export function checkPart({ topic, partition, bytes, count }: LeasePart): void {
  let records = 0
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    const problem =
      recordProblem(bytes, at, bytes.length) ??
      (checksumMatches(bytes, at) ? undefined : 'checksum does not match')
    if (problem !== undefined) {
      const where = `${topic}-${partition}: at byte ${at} of a lease`
      throw new BrokerError('CORRUPT_RECORD', `${where}: ${problem}`)
    }
    records += 1
  }
  if (records === count) return
  const what = `${topic}-${partition}: ${records} records in a lease of ${count}`
  throw new BrokerError('CORRUPT_RECORD', what)
}
