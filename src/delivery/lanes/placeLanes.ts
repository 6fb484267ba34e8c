/**
 * The lanes of one window: how much of each was never handed out, and where it lies.
 *
 * Counts are kept up by each append and each hand-out, so that nobody who asks what there is looks at the log. A place is
 * plain while it holds normal records alone and knows of no others that are unsettled: then its one cursor says all.
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { LANES, type LaneSet, laneBit, NO_LANES } from '../../scheduling/index.ts'
import type { AppendListener, Partition } from '../../topics/index.ts'
import type { LaneView } from '../machine/lease.ts'
import type { Window } from '../machine/window.ts'

type LaneCounts = Parameters<AppendListener>[2]

/** Told when a place begins or ceases to be plain. */
export interface PlainListener {
  mixed: number
}

export class PlaceLanes implements LaneView {
  readonly #window: Window
  readonly #partition: Partition
  readonly #group: PlainListener
  readonly #unread = new Array<number>(LANES).fill(0)
  /** Lanes whose count is not known yet: their index must be loaded first. */
  #unknown: LaneSet = NO_LANES
  /** A lane whose next records must be loaded first; -1 for none. */
  #missing = -1
  #loading: Promise<void> | undefined
  /** Everything below is in the counts. */
  #countedTo = 0
  /** The counts and the log do not agree. */
  #isStale = false
  #isPlain = true
  #isGone = false

  constructor(window: Window, partition: Partition, group: PlainListener) {
    this.#window = window
    this.#partition = partition
    this.#group = group
    this.recount()
  }

  /** Only normal records, and no others that were handed out and are not settled. */
  get isPlain(): boolean {
    return this.#isPlain
  }

  /** Lanes that hold something, as far as is known. */
  get backlog(): LaneSet {
    let lanes = this.#window.ready.lanes
    const unread = this.#unread
    for (let lane = 0; lane < LANES; lane += 1) {
      if ((unread[lane] as number) > 0) lanes |= 1 << lane
    }
    return lanes
  }

  /** Something must be loaded before all is known, or before the last hand-out could be made. */
  get mustLoad(): boolean {
    return this.#unknown !== NO_LANES || this.#missing >= 0
  }

  unread(lane: number): number {
    return this.#unread[lane] as number
  }

  next(lane: number, from: number, maxRecords: number): readonly number[] | undefined {
    const ranges = this.#partition.lanes.next(lane, from, maxRecords)
    if (ranges === undefined) this.#missing = lane
    else if (ranges.length === 0) this.#isStale = true
    return ranges
  }

  /** The lane of a record; undefined where that is not in memory, or there is no such record. */
  laneAt(offset: number): number | undefined {
    if (!this.#partition.isOpen) return undefined
    for (let lane = 0; lane < LANES; lane += 1) {
      if (this.#partition.lanes.next(lane, offset, 1)?.[0] === offset) return lane
    }
    return undefined
  }

  /** To be called for each append, before anybody is served. */
  appended(from: number, next: number, counts: LaneCounts): void {
    if (next <= this.#countedTo) return
    if (from < this.#countedTo) {
      this.recount()
      return
    }
    this.#countedTo = next
    if (counts === undefined) {
      this.#add(NORMAL_PRIORITY, next - from)
      return
    }
    for (let lane = 0; lane < LANES; lane += 1) {
      const count = counts[lane] as number
      if (count > 0) this.#add(lane, count)
    }
    this.#setPlain(false)
  }

  /** To be called for each hand-out. */
  leased(lane: number, fresh: number): void {
    if (fresh > 0) this.#add(lane, -fresh)
  }

  /** Whether it is plain by now; only what is not plain may become so, and only an append ends it. */
  refresh(): void {
    if (this.#isPlain || this.#unknown !== NO_LANES) return
    if (this.#isStale || this.#seemsPlain()) this.recount()
  }

  /** Counts anew: the log has lost its beginning, or the counts are not to be trusted. */
  recount(): void {
    const { next } = this.#partition.offsets()
    this.#countedTo = next
    this.#isStale = false
    this.#unknown = NO_LANES
    if (this.#seemsPlain()) {
      this.#setPlain(true)
      for (let lane = 0; lane < LANES; lane += 1) this.#set(lane, 0)
      this.#set(NORMAL_PRIORITY, Math.max(0, next - this.#window.cursorOf(NORMAL_PRIORITY)))
      return
    }
    this.#setPlain(false)
    for (let lane = 0; lane < LANES; lane += 1) this.#count(lane)
  }

  /** Never handed out, all lanes together. */
  get total(): number {
    return this.#unread.reduce((sum, each) => sum + each, 0)
  }

  /** Resolves when what is missing is there. Rejects as the index of the lanes does. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Its window is gone: it counts no more. */
  leave(): void {
    if (this.#isGone) return
    for (let lane = 0; lane < LANES; lane += 1) this.#set(lane, 0)
    this.#setPlain(true)
    this.#isGone = true
  }

  #seemsPlain(): boolean {
    return this.#window.others === 0 && this.#partition.lanes.isPlain(this.#window.cursor)
  }

  #setPlain(isPlain: boolean): void {
    if (isPlain === this.#isPlain || this.#isGone) return
    this.#isPlain = isPlain
    this.#group.mixed += isPlain ? -1 : 1
  }

  async #load(): Promise<void> {
    const missing = this.#missing
    this.#missing = -1
    if (missing >= 0) {
      await this.#partition.lanes.load(missing, this.#window.cursorOf(missing))
    }
    for (let lane = 0; lane < LANES && this.#unknown !== NO_LANES; lane += 1) {
      if ((this.#unknown & laneBit(lane)) === 0) continue
      await this.#partition.lanes.load(lane, this.#window.cursorOf(lane))
      if (this.#partition.isOpen) this.#count(lane)
    }
  }

  #count(lane: number): void {
    const count = this.#partition.lanes.count(lane, this.#window.cursorOf(lane))
    if (count === undefined) {
      this.#unknown |= laneBit(lane)
      this.#set(lane, 0)
      return
    }
    this.#unknown &= ~laneBit(lane)
    this.#set(lane, count)
  }

  #add(lane: number, count: number): void {
    if ((this.#unknown & (1 << lane)) !== 0) return
    this.#set(lane, (this.#unread[lane] as number) + count)
  }

  #set(lane: number, count: number): void {
    if (this.#isGone) return
    const { ready } = this.#window.counts
    ready[lane] = (ready[lane] as number) + count - (this.#unread[lane] as number)
    this.#unread[lane] = count
  }
}
