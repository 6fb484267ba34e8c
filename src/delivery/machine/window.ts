/**
 * What one group has not settled of one partition.
 *
 *   settled … ┃ run ┃ settled ┃ run ┃ run ┃ settled ┃ never handed out …
 *             floor                                 cursor
 *
 * Below the cursor everything was handed out; what of it is in no run is settled. So the settled ranges are the gaps
 * between the runs and cost nothing, and one record that keeps failing in front of a million costs one run.
 *
 * Each of the five lanes has its cursor, for what is urgent overtakes: of a lane everything below its cursor was handed
 * out. While a partition holds normal records alone the five are one. The floor is below all of them.
 *
 * Invariants: runs ascend and do not overlap, and end below the cursor of their lane; each offset has one holder; the
 * floor never goes back but by a reset; a waiting run has a timer or, once its time has come, is in `ready`.
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { LANES } from '../../scheduling/index.ts'
import type { Backoffs } from './backoffs.ts'
import type { DueHeap } from './dueHeap.ts'
import type { Frozen } from './frozen.ts'
import type { LaneCounts, LaneCountsTable } from './laneCounts.ts'
import { ReadyRuns } from './readyRuns.ts'
import { Retired } from './retired.ts'
import { type Holder, type Lease, RUN, Run, type RunState } from './run.ts'

/** What windows share. */
export interface Heaps {
  /** Leased runs by their deadline. */
  readonly deadlines: DueHeap
  /** Waiting runs by the time from which they are handed out again. */
  readonly backoffs: Backoffs
  /** What is counted of each partition. */
  readonly laneCounts: LaneCountsTable
  /** While a snapshot is written: told of what changes, before it does. */
  readonly frozen: Frozen | undefined
}

export interface WindowIdentity {
  readonly id: number
  readonly topic: string
  readonly topicId: number
  readonly partition: number
  /** Names the window to the log of the dead letters. */
  readonly producerId: number
}

export class Window {
  readonly id: number
  readonly group: GroupOfWindow
  readonly topic: string
  readonly topicId: number
  readonly partition: number
  readonly producerId: number
  readonly #heaps: Heaps
  /** The least of the five cursors: below it everything was handed out. */
  cursor: number
  /** Of each lane; undefined while all five are the same. */
  #cursors: readonly number[] | undefined
  /** Ascending. */
  readonly runs: Run[] = []
  /** Waiting runs whose time has come. */
  readonly ready = new ReadyRuns()
  readonly counts: LaneCounts
  /** Dying runs in their line. */
  readonly dying: Run[] = []
  readonly retired = new Retired()
  /** Records handed out and not settled. */
  unresolved = 0
  /** Of the unresolved ones: those of other lanes than `normal`. */
  others = 0
  /** Of the unresolved ones: held by a member now. */
  leased = 0
  /** Records ever put into the line of the dying. */
  deathsBegun = 0

  constructor(identity: WindowIdentity, group: GroupOfWindow, cursor: number, heaps: Heaps) {
    this.id = identity.id
    this.topic = identity.topic
    this.topicId = identity.topicId
    this.partition = identity.partition
    this.producerId = identity.producerId
    this.group = group
    this.cursor = cursor
    this.#heaps = heaps
    this.counts = heaps.laneCounts.of(this)
  }

  /** The five cursors; undefined while they are the same. */
  get cursors(): readonly number[] | undefined {
    return this.#cursors
  }

  /** Of that lane everything below was handed out. */
  cursorOf(lane: number): number {
    return this.#cursors === undefined ? this.cursor : (this.#cursors[lane] as number)
  }

  /** From here on nothing was handed out. */
  get end(): number {
    return this.#cursors === undefined ? this.cursor : Math.max(...this.#cursors)
  }

  /** Everything below is settled. */
  get floor(): number {
    const first = this.runs[0]
    return first === undefined || first.from > this.cursor ? this.cursor : first.from
  }

  /** The place of the run that holds `offset`, or of the first behind it. */
  placeOf(offset: number): number {
    const { runs } = this
    let [low, high] = [0, runs.length]
    // What is settled is mostly in front, what is new behind.
    if (high > 0 && (runs[0] as Run).to > offset) return 0
    while (low < high) {
      const middle = (low + high) >> 1
      if ((runs[middle] as Run).to > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Records that were never handed out become a leased run; the cursors are moved when all of them have. */
  leaseFresh(from: number, to: number, { lease, lane, dueMs }: Fresh): void {
    this.#keep(from, to)
    const run = new Run(this, from, to, RUN.LEASED)
    run.lease = lease
    run.lane = lane
    run.dueMs = dueMs
    const last = this.runs.at(-1)
    if (last === undefined || last.to <= from) this.runs.push(run)
    else this.runs.splice(this.placeOf(from), 0, run)
    this.unresolved += run.size
    if (lane !== NORMAL_PRIORITY) this.others += run.size
    this.#enter(run)
  }

  /** All five lanes go on at `cursor`, or each at its own; none goes back. */
  moveTo(cursor: number | readonly number[]): void {
    this.#keep(0, 0)
    if (typeof cursor === 'number') {
      this.cursor = cursor
      this.#cursors = undefined
      return
    }
    const least = Math.min(...cursor)
    this.cursor = least
    this.#cursors = cursor.every((each) => each === least) ? undefined : cursor
  }

  /** What is below `start` is not there any more. */
  moveAbove(start: number): void {
    this.#keep(0, 0)
    if (this.#cursors === undefined) this.cursor = Math.max(this.cursor, start)
    else this.moveTo(this.#cursors.map((each) => Math.max(each, start)))
  }

  /** Calls `change` with each run of the range, cut to it, between leaving its place and taking its new one. */
  change(from: number, to: number, change: (run: Run) => void): void {
    this.#keep(from, to)
    this.#cut(from)
    this.#cut(to)
    for (let at = this.placeOf(from); ; at += 1) {
      const run = this.runs[at]
      if (run === undefined || run.from >= to) return
      this.#leave(run)
      change(run)
      this.#enter(run)
    }
  }

  /**
   * Settles what of the range was handed out. Returns how many records. `isDead`: not by the lease that was the last, and
   * whoever acks it now comes too late.
   */
  settle(from: number, to: number, isDead = false): number {
    this.#keep(from, to)
    this.#cut(from)
    this.#cut(to)
    const first = this.placeOf(from)
    let end = first
    let count = 0
    for (; ; end += 1) {
      const run = this.runs[end]
      if (run === undefined || run.from >= to) break
      this.#leave(run)
      count += run.size
      if (run.lane !== NORMAL_PRIORITY) this.others -= run.size
      const deliveries = run.deliveries + (isDead ? 1 : 0)
      if (deliveries > 1) this.retired.add(run.from, run.to, deliveries)
    }
    if (end === 1 && first === 0) this.runs.shift()
    else if (end > first) this.runs.splice(first, end - first)
    this.unresolved -= count
    return count
  }

  /** The time of a waiting run has come, and its timer is gone. */
  ripened(run: Run): void {
    this.#getReady(run)
  }

  /** Forgets what is not below `end`, as if nothing of it had been handed out. */
  shorten(end: number): void {
    this.#keep(end, Number.POSITIVE_INFINITY)
    this.#cut(end)
    for (const run of this.runs.splice(this.placeOf(end))) {
      this.#leave(run)
      this.unresolved -= run.size
      if (run.lane !== NORMAL_PRIORITY) this.others -= run.size
    }
    if (this.#cursors === undefined) this.cursor = Math.min(this.cursor, end)
    else this.moveTo(this.#cursors.map((each) => Math.min(each, end)))
    this.retired.shorten(end)
  }

  /** Forgets everything; goes on at `cursor`. */
  reset(cursor: number): void {
    this.#keep(0, Number.POSITIVE_INFINITY)
    for (const run of this.runs.splice(0)) this.#leave(run)
    this.unresolved = 0
    this.others = 0
    this.moveTo(cursor)
    this.retired.clear()
  }

  /** The runs of a snapshot, in order. */
  restoreRuns(runs: readonly Run[]): void {
    for (const run of runs) {
      this.runs.push(run)
      this.unresolved += run.size
      if (run.lane !== NORMAL_PRIORITY) this.others += run.size
      if (run.state === RUN.DYING) this.dying.push(run)
      else this.#enter(run)
    }
    this.dying.sort((a, b) => a.dueMs - b.dueMs)
  }

  /** What lies there as yet belongs into the snapshot that is being written, where one is. */
  #keep(from: number, to: number): void {
    this.#heaps.frozen?.keep(this, from, to)
  }

  #cut(offset: number): void {
    const at = this.placeOf(offset)
    const run = this.runs[at]
    if (run === undefined || run.from >= offset) return
    const rest = new Run(this, offset, run.to, run.state)
    rest.lane = run.lane
    rest.deliveries = run.deliveries
    rest.dueMs = run.state === RUN.DYING ? run.dueMs + (offset - run.from) : run.dueMs
    rest.lease = run.lease
    rest.trouble = run.trouble
    run.to = offset
    this.runs.splice(at + 1, 0, rest)
    if (run.place >= 0) this.#timesOf(run.state).add(rest)
    else if (run.state === RUN.DYING) this.dying.splice(this.dying.indexOf(run) + 1, 0, rest)
    else this.ready.add(rest)
  }

  #timesOf(state: RunState): DueHeap | Backoffs {
    return state === RUN.LEASED ? this.#heaps.deadlines : this.#heaps.backoffs
  }

  #enter(run: Run): void {
    if (run.state === RUN.DYING) {
      run.dueMs = this.deathsBegun
      this.deathsBegun += run.size
      this.dying.push(run)
      return
    }
    if (run.state === RUN.LEASED) this.#hold(run, run.size)
    if (run.state === RUN.WAITING && run.dueMs === 0) this.#getReady(run)
    else this.#timesOf(run.state).add(run)
  }

  #leave(run: Run): void {
    if (run.state === RUN.LEASED) this.#hold(run, -run.size)
    if (run.place >= 0) this.#timesOf(run.state).remove(run)
    else if (run.state === RUN.DYING) take(this.dying, run)
    else {
      this.ready.remove(run)
      this.counts.ready[run.lane] = (this.counts.ready[run.lane] as number) - run.size
    }
  }

  #getReady(run: Run): void {
    this.ready.add(run)
    this.counts.ready[run.lane] = (this.counts.ready[run.lane] as number) + run.size
  }

  #hold(run: Run, size: number): void {
    this.leased += size
    this.counts.held += size
    if (run.lane !== NORMAL_PRIORITY) this.#holdOther(run.lane, size)
    const holder = run.lease?.holder
    if (holder === undefined) return
    holder.inFlight += size
    if (holder.inFlight === 0) this.group.holders.delete(holder.id)
    else this.group.holders.set(holder.id, holder)
  }

  #holdOther(lane: number, size: number): void {
    const { leasedOthers } = this.group
    leasedOthers[lane] = (leasedOthers[lane] as number) + size
    this.counts.holdOther(lane, size)
  }
}

/** As much of a group as its windows look at. */
export interface GroupOfWindow {
  readonly name: string
  /** Members that hold something, by their id. */
  readonly holders: Map<string, Holder>
  /** Records that its members hold, by lane; those of `normal` are not counted here. */
  readonly leasedOthers: number[]
}

/** What a hand-out gives to records that were never handed out. */
export interface Fresh {
  readonly lease: Lease
  readonly lane: number
  readonly dueMs: number
}

export const noneLeased = (): number[] => new Array<number>(LANES).fill(0)

function take(line: Run[], run: Run): void {
  if (line[0] === run) line.shift()
  else line.splice(line.indexOf(run), 1)
}
