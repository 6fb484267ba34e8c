/**
 * What one group has not settled of one partition.
 *
 *   settled … ┃ run ┃ settled ┃ run ┃ run ┃ settled ┃ never handed out …
 *             floor                                 cursor
 *
 * Below the cursor everything was handed out; what of it is in no run is settled. So the settled ranges are the gaps
 * between the runs and cost nothing, and one record that keeps failing in front of a million costs one run.
 *
 * Invariants: runs ascend, do not touch the cursor's other side, and do not overlap; each offset has one holder; the
 * floor never goes back but by a reset; a waiting run is either in the heap or, once its time has come, in `ready`.
 */
import type { DueHeap } from './dueHeap.ts'
import { Retired } from './retired.ts'
import { type Holder, type Lease, RUN, Run, type RunState } from './run.ts'

/** What windows share. */
export interface Heaps {
  /** Leased runs by their deadline. */
  readonly deadlines: DueHeap
  /** Waiting runs by the time from which they are handed out again. */
  readonly backoffs: DueHeap
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
  /** The next offset that was never handed out. */
  cursor: number
  /** Ascending. */
  readonly runs: Run[] = []
  /** Waiting runs whose time has come, ascending. */
  readonly ready: Run[] = []
  /** Dying runs in their line. */
  readonly dying: Run[] = []
  readonly retired = new Retired()
  /** Records handed out and not settled. */
  unresolved = 0
  /** Of those: held by a member now. */
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
  }

  /** Everything below is settled. */
  get floor(): number {
    return this.runs[0]?.from ?? this.cursor
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

  /** Records that were never handed out become a leased run. */
  leaseFresh(to: number, lease: Lease, deadlineMs: number): void {
    const run = new Run(this, this.cursor, to, RUN.LEASED)
    run.lease = lease
    run.dueMs = deadlineMs
    this.cursor = to
    this.runs.push(run)
    this.unresolved += run.size
    this.#enter(run)
  }

  /** Calls `change` with each run of the range, cut to it, between leaving its place and taking its new one. */
  change(from: number, to: number, change: (run: Run) => void): void {
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
      const deliveries = run.deliveries + (isDead ? 1 : 0)
      if (deliveries > 1) this.retired.add(run.from, run.to, deliveries)
    }
    if (end === 1 && first === 0) this.runs.shift()
    else if (end > first) this.runs.splice(first, end - first)
    this.unresolved -= count
    return count
  }

  /** Moves waiting runs whose time has come to where they are handed out from. */
  ripened(run: Run): void {
    this.#heaps.backoffs.remove(run)
    insert(this.ready, run)
  }

  /** Forgets everything; goes on at `cursor`. */
  reset(cursor: number): void {
    for (const run of this.runs.splice(0)) this.#leave(run)
    this.unresolved = 0
    this.cursor = cursor
    this.retired.clear()
  }

  /** The runs of a snapshot, in order. */
  restoreRuns(runs: readonly Run[]): void {
    for (const run of runs) {
      this.runs.push(run)
      this.unresolved += run.size
      if (run.state === RUN.DYING) this.dying.push(run)
      else this.#enter(run)
    }
    this.dying.sort((a, b) => a.dueMs - b.dueMs)
  }

  #cut(offset: number): void {
    const at = this.placeOf(offset)
    const run = this.runs[at]
    if (run === undefined || run.from >= offset) return
    const rest = new Run(this, offset, run.to, run.state)
    rest.deliveries = run.deliveries
    rest.dueMs = run.state === RUN.DYING ? run.dueMs + (offset - run.from) : run.dueMs
    rest.lease = run.lease
    rest.trouble = run.trouble
    run.to = offset
    this.runs.splice(at + 1, 0, rest)
    if (run.place >= 0) this.#heapOf(run.state).add(rest)
    else if (run.state === RUN.DYING) this.dying.splice(this.dying.indexOf(run) + 1, 0, rest)
    else insert(this.ready, rest)
  }

  #heapOf(state: RunState): DueHeap {
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
    if (run.state === RUN.WAITING && run.dueMs === 0) insert(this.ready, run)
    else this.#heapOf(run.state).add(run)
  }

  #leave(run: Run): void {
    if (run.state === RUN.LEASED) this.#hold(run, -run.size)
    if (run.place >= 0) this.#heapOf(run.state).remove(run)
    else if (run.state === RUN.DYING) take(this.dying, run)
    else this.ready.splice(placeIn(this.ready, run.from), 1)
  }

  #hold(run: Run, size: number): void {
    this.leased += size
    const holder = run.lease?.holder
    if (holder === undefined) return
    holder.inFlight += size
    if (holder.inFlight === 0) this.group.holders.delete(holder.id)
    else this.group.holders.set(holder.id, holder)
  }
}

/** As much of a group as its windows look at. */
export interface GroupOfWindow {
  readonly name: string
  /** Members that hold something, by their id. */
  readonly holders: Map<string, Holder>
}

function take(line: Run[], run: Run): void {
  if (line[0] === run) line.shift()
  else line.splice(line.indexOf(run), 1)
}

function placeIn(runs: readonly Run[], from: number): number {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle] as Run).from < from) low = middle + 1
    else high = middle
  }
  return low
}

function insert(runs: Run[], run: Run): void {
  const last = runs.at(-1)
  if (last === undefined || last.from < run.from) runs.push(run)
  else runs.splice(placeIn(runs, run.from), 0, run)
}
