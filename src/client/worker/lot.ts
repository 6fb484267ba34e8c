/**
 * Records of one hand-out, in order: those that wait for a handler, and of those that had one what came of it and is
 * not told yet.
 */
import type { LeasePart } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import type { Priority } from '../../kernel/priority.ts'
import { checksumMatches, recordLength, recordPriority, recordProblem } from '../../record/index.ts'
import type { HeldSlot } from './leaseTable.ts'
import { WorkMessage } from './message.ts'

export class Lot {
  readonly part: LeasePart
  /** Place of its topic in the worker's list. */
  readonly topic: number
  readonly sinceMs: number
  /** That of its first record: the broker hands out one lane at a time. */
  readonly lane: Priority
  /** Where what waits for a handler is held. */
  readonly held: HeldSlot
  /** Acknowledged and not told: from, to, from, to, … */
  acked: number[] = []
  #at = 0
  #taken = 0

  constructor(part: LeasePart, topic: number, held: HeldSlot, sinceMs: number) {
    this.part = part
    this.topic = topic
    this.held = held
    this.sinceMs = sinceMs
    this.lane = recordPriority(part.bytes, 0) as Priority
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
    return this.part.offset + this.#taken
  }

  /** The next message. */
  take(group: string): WorkMessage {
    const message = new WorkMessage(group, this.part, this.#at)
    this.#at += recordLength(this.part.bytes, this.#at)
    this.#taken += 1
    return message
  }

  /** True where it is the first that is to be told of this lot. Neighbours become one range. */
  ack(offset: number): boolean {
    const { acked } = this
    const last = acked.length - 1
    if (last > 0 && acked[last] === offset) {
      acked[last] = offset + 1
      return false
    }
    acked.push(offset, offset + 1)
    return last < 0
  }

  /** What is to be told, in order, neighbours together. It counts as told then. */
  ackedRanges(): (readonly [from: number, to: number])[] {
    const { acked } = this
    this.acked = []
    const pairs: (readonly [number, number])[] = []
    for (let i = 0; i < acked.length; i += 2) pairs.push([acked[i] ?? 0, acked[i + 1] ?? 0])
    if (pairs.length === 1) return pairs
    pairs.sort(([a], [b]) => a - b)
    const ranges: (readonly [number, number])[] = []
    for (const [from, to] of pairs) {
      const last = ranges.at(-1)
      if (last !== undefined && last[1] === from) ranges[ranges.length - 1] = [last[0], to]
      else ranges.push([from, to])
    }
    return ranges
  }
}

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
