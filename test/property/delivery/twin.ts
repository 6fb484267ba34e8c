/** The delivery machine's simple twin: an object for each record, changed as the words of the promises say. */
import type { Cause } from '../../../src/delivery/machine/run.ts'

export interface TwinRecord {
  state: 'leased' | 'waiting' | 'dying' | 'settled'
  nonce: number
  member: string
  deadlineMs: number
  atMs: number
  /** Undefined: it has failed just now, the machine chooses. */
  dueMs: number | undefined
  deliveries: number
  failures: number
  failedMs: number
  isolated: boolean
  /** Settled as a dead letter. */
  isDead?: boolean
}

interface Failing {
  readonly cause: Cause
  readonly nowMs: number
  readonly dueMs?: number
}

export const POLICY = {
  visibilityMs: 1_000,
  maxRetries: 2,
  backoffMs: 100,
  backoffFactor: 2,
  backoffMsMax: 350,
  backoffJitter: 0.1,
  inFlightMax: 12,
  unresolvedMax: 25,
}

export class TwinPartition {
  /** The priority of each record of the log. */
  readonly lanes: number[] = []
  /** Behind the last that was ever handed out. */
  cursor = 0
  /** By offset; those that were never handed out are not there. */
  readonly records = new Map<number, TwinRecord>()
  /** Offsets that were ever settled. */
  readonly settled = new Set<number>()
  /** Everything below is settled. */
  floorSeen = 0
  /** Since the last hand-out the log lost its beginning or its end: the cursors of empty lanes stay where they are. */
  isRetained = false
  /** What the machine said last. */
  floorSaid = 0

  /** The next offset to be written. */
  get end(): number {
    return this.lanes.length
  }

  get floor(): number {
    let offset = this.floorSeen
    while (this.records.get(offset)?.state === 'settled') offset += 1
    return offset
  }

  /** Offsets of the lane that were never handed out, ascending. */
  unread(lane: number): number[] {
    const offsets: number[] = []
    for (let offset = this.floorSeen; offset < this.end; offset += 1) {
      if (this.lanes[offset] === lane && !this.records.has(offset)) offsets.push(offset)
    }
    return offsets
  }

  unresolved(): number {
    let count = 0
    for (let offset = this.floorSeen; offset < this.cursor; offset += 1) {
      const state = this.records.get(offset)?.state
      if (state !== undefined && state !== 'settled') count += 1
    }
    return count
  }

  lease(offset: number, lease: Pick<TwinRecord, 'nonce' | 'member' | 'atMs' | 'deadlineMs'>): void {
    const before = this.records.get(offset)
    if (before === undefined && this.unread(this.lanes[offset] ?? 0)[0] !== offset) {
      throw new Error(`${offset} out of turn`)
    }
    if (before !== undefined && before.state !== 'waiting') {
      throw new Error(`${offset} was ${before.state} and is handed out`)
    }
    if (before?.dueMs !== undefined && before.dueMs > lease.atMs) {
      throw new Error(`${offset} is handed out ${before.dueMs - lease.atMs} ms early`)
    }
    const { nonce, member, atMs, deadlineMs } = lease
    this.records.set(offset, {
      ...{ nonce, member, atMs, deadlineMs },
      state: 'leased',
      dueMs: 0,
      deliveries: (before?.deliveries ?? 0) + 1,
      failures: before?.failures ?? 0,
      failedMs: before?.failedMs ?? 0,
      isolated: before?.isolated ?? false,
    })
    this.cursor = Math.max(this.cursor, offset + 1)
  }

  settle(offset: number, isDead = false): void {
    const record = this.records.get(offset)
    if (record === undefined) throw new Error(`${offset} was never handed out`)
    record.state = 'settled'
    record.isDead = isDead
    this.settled.add(offset)
  }

  /** What is not below `end` was never there. */
  shorten(end: number): void {
    this.lanes.length = end
    this.isRetained = true
    for (const offset of this.records.keys()) if (offset >= end) this.records.delete(offset)
    for (const offset of this.settled) if (offset >= end) this.settled.delete(offset)
    this.cursor = Math.min(this.cursor, end)
    this.floorSeen = Math.min(this.floorSeen, end)
    this.floorSaid = Math.min(this.floorSaid, end)
  }

  fail(offset: number, { cause, nowMs, dueMs }: Failing): void {
    const record = this.records.get(offset)
    if (record === undefined) throw new Error(`${offset} was never handed out`)
    if (cause !== 'rejected') record.failures += 1
    record.failedMs = nowMs
    if (cause === 'died') record.isolated = true
    if (cause === 'rejected' || record.failures > POLICY.maxRetries) record.state = 'dying'
    else {
      record.state = 'waiting'
      record.dueMs = dueMs
    }
  }

  *inState(state: TwinRecord['state']): Generator<[number, TwinRecord]> {
    for (let offset = this.floorSeen; offset < this.cursor; offset += 1) {
      const record = this.records.get(offset)
      if (record?.state === state) yield [offset, record]
    }
  }

  clone(): TwinPartition {
    const copy = new TwinPartition()
    copy.lanes.push(...this.lanes)
    copy.cursor = this.cursor
    copy.floorSeen = this.floorSeen
    copy.floorSaid = this.floorSaid
    copy.isRetained = this.isRetained
    for (const [offset, record] of this.records) copy.records.set(offset, { ...record })
    for (const offset of this.settled) copy.settled.add(offset)
    return copy
  }
}
