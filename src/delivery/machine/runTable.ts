/**
 * All runs of the broker, in flat arrays: no object for each of them. A broker that has a million messages out by single
 * leases has a million runs.
 *
 *   column    from  to   size  window  bits  nonce  holder  at   due  place
 *   bytes     8     8    4     4       4     4      4       8    8    8        60 a run
 *
 *   bits      state (2) | lane (3) | hand-outs so far (27)
 *
 * What few runs have stands aside: what went wrong with them, and which records they hold where others lie between. The
 * arrays double as they fill, and begin anew once the last run has gone. Whoever adds a run takes the columns afresh.
 */
import { invariant } from '../../kernel/invariant.ts'
import { Holders, NOBODY } from './holders.ts'
import type { Members } from './members.ts'
import type { Lease, RunId, RunState, RunView, Trouble } from './run.ts'

const CAPACITY_MIN = 1024
/** Arrays beyond this size are given back when the last run has gone. */
const CAPACITY_KEPT = 65_536
const STATE_MASK = 0x03
const LANE_SHIFT = 2
const LANE_MASK = 0x07
const DELIVERIES_SHIFT = 5
const DELIVERIES_MAX = 2 ** 27 - 1
const NONE = -1

/** What a new run is. */
export interface NewRun {
  readonly window: number
  readonly lane: number
  readonly state: RunState
  readonly from: number
  /** Behind its last record. */
  readonly to: number
  readonly size: number
}

export class RunTable {
  readonly #holders = new Holders()
  readonly #troubles = new Map<RunId, Trouble>()
  readonly #members = new Map<RunId, Members>()
  readonly #free: RunId[] = []
  #untouched = 0
  #size = 0
  from = new Float64Array(0)
  /** Behind its last record. */
  to = new Float64Array(0)
  /** How many records. */
  count = new Uint32Array(0)
  window = new Uint32Array(0)
  #bits = new Uint32Array(0)
  #nonce = new Uint32Array(0)
  #holder = new Uint32Array(0)
  #atMs = new Float64Array(0)
  dueMs = new Float64Array(0)
  /** Where it lies in the heap of the deadlines, or the name of its timer; -1 where it is due or neither. */
  place = new Float64Array(0)

  /** Runs that there are. */
  get size(): number {
    return this.#size
  }

  /** A run that was handed out once, by nobody so far. */
  add({ window, lane, state, from, to, size }: NewRun): RunId {
    const run = this.#take()
    this.from[run] = from
    this.to[run] = to
    this.count[run] = size
    this.window[run] = window
    this.#bits[run] = (1 << DELIVERIES_SHIFT) | (lane << LANE_SHIFT) | state
    this.#nonce[run] = 0
    this.#holder[run] = NOBODY
    this.#atMs[run] = 0
    this.dueMs[run] = 0
    this.place[run] = NONE
    return run
  }

  /** The run is over; nobody names it any more. */
  remove(run: RunId): void {
    this.#holders.leave(this.#holder[run] as number)
    if (this.#troubles.size > 0) this.#troubles.delete(run)
    if (this.#members.size > 0) this.#members.delete(run)
    this.#size -= 1
    this.#free.push(run)
    if (this.#size === 0 && this.from.length > CAPACITY_KEPT) this.#clear()
  }

  /**
   * Cuts the run in two: what is below `offset` stays, what is not is the run that is returned, alike in all else but that
   * it has no place. There are records on both sides.
   */
  cut(run: RunId, offset: number): RunId {
    const members = this.#members.get(run)
    const [from, to, size] = [this.from[run], this.to[run], this.count[run]] as [
      number,
      number,
      number,
    ]
    const below = members === undefined ? offset - from : members.countBelow(offset)
    const first = members === undefined ? offset : members.at(below)
    const [window, bits] = [this.window[run] as number, this.#bits[run] as number]
    const rest = this.add({ window, lane: 0, state: 0, from: first, to, size: size - below })
    this.#bits[rest] = bits
    this.#nonce[rest] = this.#nonce[run] as number
    this.#atMs[rest] = this.#atMs[run] as number
    this.dueMs[rest] = this.dueMs[run] as number
    const holder = this.#holder[run] as number
    this.#holder[rest] = holder
    this.#holders.again(holder)
    const trouble = this.#troubles.get(run)
    if (trouble !== undefined) this.#troubles.set(rest, trouble)
    this.to[run] = members === undefined ? offset : members.at(below - 1) + 1
    this.count[run] = below
    if (members !== undefined) {
      this.setMembers(run, members.slice(0, below))
      this.setMembers(rest, members.slice(below, size))
    }
    return rest
  }

  state(run: RunId): RunState {
    return ((this.#bits[run] as number) & STATE_MASK) as RunState
  }

  setState(run: RunId, state: RunState): void {
    this.#bits[run] = ((this.#bits[run] as number) & ~STATE_MASK) | state
  }

  lane(run: RunId): number {
    return ((this.#bits[run] as number) >>> LANE_SHIFT) & LANE_MASK
  }

  /** Hand-outs so far. */
  deliveries(run: RunId): number {
    return (this.#bits[run] as number) >>> DELIVERIES_SHIFT
  }

  setDeliveries(run: RunId, deliveries: number): void {
    const rest = (this.#bits[run] as number) & ((1 << DELIVERIES_SHIFT) - 1)
    this.#bits[run] = (Math.min(deliveries, DELIVERIES_MAX) << DELIVERIES_SHIFT) | rest
  }

  /** True where the last hand-out is of that name, and was not taken back. */
  isOf(run: RunId, nonce: number): boolean {
    return this.#nonce[run] === nonce && this.#holder[run] !== NOBODY
  }

  /** Who had it last; undefined where that was taken back. */
  holder(run: RunId): Lease['holder'] | undefined {
    return this.#holders.of(this.#holder[run] as number)
  }

  /** The time of the last hand-out. */
  leasedMs(run: RunId): number {
    return this.#atMs[run] as number
  }

  /** The last hand-out; undefined: there is none any more. */
  lease(run: RunId): Lease | undefined {
    const holder = this.holder(run)
    if (holder === undefined) return undefined
    return { nonce: this.#nonce[run] as number, holder, atMs: this.#atMs[run] as number }
  }

  setLease(run: RunId, lease: Lease | undefined): void {
    const before = this.#holder[run] as number
    this.#holder[run] = lease === undefined ? NOBODY : this.#holders.enter(lease.holder)
    this.#holders.leave(before)
    this.#nonce[run] = lease?.nonce ?? 0
    this.#atMs[run] = lease?.atMs ?? 0
  }

  trouble(run: RunId): Trouble | undefined {
    return this.#troubles.size === 0 ? undefined : this.#troubles.get(run)
  }

  setTrouble(run: RunId, trouble: Trouble): void {
    this.#troubles.set(run, trouble)
  }

  failures(run: RunId): number {
    return this.trouble(run)?.failures ?? 0
  }

  /** Undefined where its records follow each other. */
  members(run: RunId): Members | undefined {
    return this.#members.size === 0 ? undefined : this.#members.get(run)
  }

  setMembers(run: RunId, members: Members): void {
    const isDense = members.last - members.first === members.size - 1
    if (!isDense) this.#members.set(run, members)
    else if (this.#members.size > 0) this.#members.delete(run)
  }

  has(run: RunId, offset: number): boolean {
    if (offset < (this.from[run] as number) || offset >= (this.to[run] as number)) return false
    return this.members(run)?.has(offset) ?? true
  }

  /** How many of its records are below `offset`. */
  countBelow(run: RunId, offset: number): number {
    const from = this.from[run] as number
    if (offset <= from) return 0
    if (offset >= (this.to[run] as number)) return this.count[run] as number
    return this.members(run)?.countBelow(offset) ?? offset - from
  }

  /** The offset of its record number `index`, from 0. */
  offsetAt(run: RunId, index: number): number {
    return this.members(run)?.at(index) ?? (this.from[run] as number) + index
  }

  view(run: RunId): RunView {
    const [from, to] = [this.from[run] as number, this.to[run] as number]
    return {
      from,
      to,
      size: this.count[run] as number,
      members: this.members(run),
      lane: this.lane(run),
      state: this.state(run),
      deliveries: this.deliveries(run),
      dueMs: this.dueMs[run] as number,
      lease: this.lease(run),
      trouble: this.trouble(run),
      failures: this.failures(run),
    }
  }

  #take(): RunId {
    this.#size += 1
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#untouched === this.from.length) this.#grow()
    this.#untouched += 1
    return this.#untouched - 1
  }

  #grow(): void {
    const capacity = Math.max(CAPACITY_MIN, 2 * this.from.length)
    invariant(capacity <= 2 ** 30, 'too many runs')
    this.from = grown(this.from, new Float64Array(capacity))
    this.to = grown(this.to, new Float64Array(capacity))
    this.count = grown(this.count, new Uint32Array(capacity))
    this.window = grown(this.window, new Uint32Array(capacity))
    this.#bits = grown(this.#bits, new Uint32Array(capacity))
    this.#nonce = grown(this.#nonce, new Uint32Array(capacity))
    this.#holder = grown(this.#holder, new Uint32Array(capacity))
    this.#atMs = grown(this.#atMs, new Float64Array(capacity))
    this.dueMs = grown(this.dueMs, new Float64Array(capacity))
    this.place = grown(this.place, new Float64Array(capacity))
  }

  #clear(): void {
    this.#free.length = 0
    this.#untouched = 0
    this.from = new Float64Array(0)
    this.#grow()
  }
}

function grown<A extends Float64Array | Uint32Array>(from: A, to: A): A {
  to.set(from.subarray(0, Math.min(from.length, to.length)))
  return to
}
