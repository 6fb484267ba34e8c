/**
 * Timers in doubly linked lists, in flat arrays: no object per timer, and leaving a list costs the same wherever the
 * timer stands in it.
 *
 *   nodes 0 … heads-1     the heads of the lists; an empty list is a head linked to itself
 *   nodes heads …         timers, in a list or (linked by `next` alone) in the free list
 *
 * A bit per head says whether its list holds anything, so that the next occupied one of a range is found 32 lists at a
 * time. An id is the timer's node and the serial number under which the node was taken; one whose timer has gone names
 * no timer any more, also when the node is in use again (serial numbers come round after 2^28 timers).
 * Memory: 32 bytes a timer beside its payload; the arrays double as they fill and start anew once all have left.
 */
import { invariant } from '../kernel/invariant.ts'

declare const timerId: unique symbol
/** Names one timer of one wheel; a safe integer. */
export type TimerId = number & { readonly [timerId]: true }

/** A list in which a timer can be. */
export type Head = number
/** A timer while it lives. */
export type Node = number

const NODES_MAX = 2 ** 25
const SERIALS = 2 ** 28
const CAPACITY_MIN = 1024
/** Arrays beyond this size are given back when the last timer has left. */
const CAPACITY_KEPT = 65_536
const NONE = -1

export class TimerLists<T> {
  readonly #heads: number
  readonly #occupied: Uint32Array
  #next = new Int32Array(0)
  #previous = new Int32Array(0)
  #dueMs = new Float64Array(0)
  /** 0 where the node is free. */
  #serials = new Uint32Array(0)
  /** The level each timer stands in, for the wheel's counts. */
  #levels = new Uint8Array(0)
  #payloads: (T | undefined)[] = []
  #free: Node = NONE
  /** The first node that was never taken. */
  #untouched: Node
  #serial = 0
  #size = 0

  constructor(heads: number) {
    this.#heads = heads
    this.#untouched = heads
    this.#occupied = new Uint32Array((heads + 31) >>> 5)
    this.#start()
  }

  get size(): number {
    return this.#size
  }

  /** A new timer, in no list yet. */
  take(dueMs: number, payload: T): Node {
    const node = this.#takeNode()
    this.#serial = this.#serial === SERIALS - 1 ? 1 : this.#serial + 1
    this.#serials[node] = this.#serial
    this.#dueMs[node] = dueMs
    this.#payloads[node] = payload
    this.#size += 1
    return node
  }

  #takeNode(): Node {
    const free = this.#free
    if (free !== NONE) {
      this.#free = this.#next[free] as Node
      return free
    }
    if (this.#untouched === this.#next.length) this.#grow()
    this.#untouched += 1
    return this.#untouched - 1
  }

  /** Takes a timer out of its list and out of the world; its payload. */
  release(node: Node): T {
    this.unlink(node)
    const payload = this.#payloads[node] as T
    this.#payloads[node] = undefined
    this.#serials[node] = 0
    this.#next[node] = this.#free
    this.#free = node
    this.#size -= 1
    if (this.#size === 0 && this.#next.length > CAPACITY_KEPT) this.#start()
    return payload
  }

  idOf(node: Node): TimerId {
    return ((this.#serials[node] as number) * NODES_MAX + node) as TimerId
  }

  /** The timer that `id` names; undefined where it has gone. */
  find(id: TimerId): Node | undefined {
    const node = id % NODES_MAX
    const serial = Math.floor(id / NODES_MAX)
    return serial > 0 && this.#serials[node] === serial ? node : undefined
  }

  dueMs(node: Node): number {
    return this.#dueMs[node] as number
  }

  level(node: Node): number {
    return this.#levels[node] as number
  }

  /** Puts a timer that is in no list at the end of one. */
  append(head: Head, node: Node, level: number): void {
    const last = this.#previous[head] as Node
    this.#levels[node] = level
    this.#previous[node] = last
    this.#next[node] = head
    this.#next[last] = node
    this.#previous[head] = node
    this.#occupied[head >>> 5] = (this.#occupied[head >>> 5] as number) | (1 << (head & 31))
  }

  /** Takes a timer out of its list. O(1). */
  unlink(node: Node): void {
    const next = this.#next[node] as Node
    const previous = this.#previous[node] as Node
    this.#next[previous] = next
    this.#previous[next] = previous
    if (next === previous && next < this.#heads) this.#clearBit(next)
  }

  /** Moves all of list `from` to the end of list `to`. O(1). */
  splice(from: Head, to: Head): void {
    const first = this.first(from)
    if (first === undefined) return
    const last = this.#previous[from] as Node
    const end = this.#previous[to] as Node
    this.#next[end] = first
    this.#previous[first] = end
    this.#next[last] = to
    this.#previous[to] = last
    this.#next[from] = from
    this.#previous[from] = from
    this.#clearBit(from)
    this.#occupied[to >>> 5] = (this.#occupied[to >>> 5] as number) | (1 << (to & 31))
  }

  first(head: Head): Node | undefined {
    const node = this.#next[head] as Node
    return node === head ? undefined : node
  }

  /** The timer behind `node` in its list. */
  after(node: Node): Node | undefined {
    const next = this.#next[node] as Node
    return next < this.#heads ? undefined : next
  }

  /** The first list of [from, to) that holds anything. */
  firstOccupied(from: Head, to: Head): Head | undefined {
    for (let at = from; at < to; at = (at | 31) + 1) {
      const bits = (this.#occupied[at >>> 5] as number) >>> (at & 31)
      if (bits === 0) continue
      const found = at + 31 - Math.clz32(bits & -bits)
      return found < to ? found : undefined
    }
    return undefined
  }

  /** Forgets every timer; no id given so far names one any more. */
  clear(): void {
    this.#start()
  }

  #clearBit(head: Head): void {
    this.#occupied[head >>> 5] = (this.#occupied[head >>> 5] as number) & ~(1 << (head & 31))
  }

  #start(): void {
    this.#next = new Int32Array(this.#heads)
    this.#previous = new Int32Array(this.#heads)
    this.#dueMs = new Float64Array(this.#heads)
    this.#serials = new Uint32Array(this.#heads)
    this.#levels = new Uint8Array(this.#heads)
    this.#payloads = new Array<T | undefined>(this.#heads).fill(undefined)
    for (let head = 0; head < this.#heads; head += 1) {
      this.#next[head] = head
      this.#previous[head] = head
    }
    this.#occupied.fill(0)
    this.#free = NONE
    this.#untouched = this.#heads
    this.#size = 0
  }

  #grow(): void {
    const used = this.#next.length
    const length = this.#heads + Math.max(CAPACITY_MIN, 2 * (used - this.#heads))
    invariant(length <= NODES_MAX, `a wheel of more than ${used} timers`)
    this.#next = copied(new Int32Array(length), this.#next)
    this.#previous = copied(new Int32Array(length), this.#previous)
    this.#dueMs = copied(new Float64Array(length), this.#dueMs)
    this.#serials = copied(new Uint32Array(length), this.#serials)
    this.#levels = copied(new Uint8Array(length), this.#levels)
  }
}

const copied = <A extends Int32Array | Uint32Array | Uint8Array | Float64Array>(
  to: A,
  from: A,
): A => {
  to.set(from)
  return to
}
