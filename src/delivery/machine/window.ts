/**
 * What one group has not settled of one partition.
 *
 *   settled … ┃ run ┃ settled ┃ run ┃ run ┃ settled ┃ never handed out …
 *             floor                                 cursor
 *
 * Below the cursor everything was handed out; what of it is in no run is settled. So the settled ranges are the gaps
 * between the runs and cost nothing, and one record that keeps failing in front of a million costs one run.
 *
 * Each of the five lanes is such a line of its own, with its cursor and its runs, for what is urgent overtakes: of a lane
 * everything below its cursor was handed out, and its runs ignore what of other lanes lies between their records. While a
 * partition holds normal records alone the five cursors are one. The floor is below all of them.
 *
 * Invariants: the runs of a lane ascend and do not overlap, and end below its cursor; each offset has one holder; the
 * floor never goes back but by a reset; a waiting run has a timer or, once its time has come, is in `ready`.
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { Cursors } from './cursors.ts'
import type { LaneCounts } from './laneCounts.ts'
import { LaneRuns } from './laneRuns.ts'
import { membersOf } from './members.ts'
import type { ReadyRuns } from './readyRuns.ts'
import { Retired } from './retired.ts'
import { RUN, type RunId, type RunView } from './run.ts'
import type { RunTable } from './runTable.ts'
import { Stands } from './stands.ts'
import {
  type Fresh,
  type GroupOfWindow,
  type Heaps,
  type LaneRange,
  NO_RUNS,
  type WindowIdentity,
} from './windowParts.ts'

export class Window {
  readonly id: number
  readonly group: GroupOfWindow
  readonly topic: string
  readonly topicId: number
  readonly partition: number
  readonly producerId: number
  readonly #heaps: Heaps
  readonly #table: RunTable
  readonly #cursors: Cursors
  /** Made for lanes that are used. */
  readonly #lanes: (LaneRuns | undefined)[] = []
  readonly counts: LaneCounts
  readonly #stands: Stands
  readonly retired = new Retired()
  /** Records handed out and not settled. */
  unresolved = 0
  /** Of the unresolved ones: those of other lanes than `normal`. */
  others = 0

  constructor(identity: WindowIdentity, group: GroupOfWindow, cursor: number, heaps: Heaps) {
    this.id = identity.id
    this.topic = identity.topic
    this.topicId = identity.topicId
    this.partition = identity.partition
    this.producerId = identity.producerId
    this.group = group
    this.#cursors = new Cursors(cursor)
    this.#heaps = heaps
    this.#table = heaps.runs
    this.counts = heaps.laneCounts.of(this)
    this.#stands = new Stands(heaps, group, this.counts)
  }

  /** Waiting runs whose time has come. */
  get ready(): ReadyRuns {
    return this.#stands.ready
  }

  /** Dying runs in their line. */
  get dying(): readonly RunId[] {
    return this.#stands.dying
  }

  /** Records held by a member now. */
  get leased(): number {
    return this.#stands.leased
  }

  /** Records ever put into the line of the dying. */
  get deathsBegun(): number {
    return this.#stands.deathsBegun
  }

  /** The least of the five cursors: below it everything was handed out. */
  get cursor(): number {
    return this.#cursors.least
  }

  /** The five cursors; undefined while they are the same. */
  get cursors(): readonly number[] | undefined {
    return this.#cursors.each
  }

  /** Of that lane everything below was handed out. */
  cursorOf(lane: number): number {
    return this.#cursors.of(lane)
  }

  /** From here on nothing was handed out. */
  get end(): number {
    return this.#cursors.end
  }

  /** Everything below is settled. */
  get floor(): number {
    let floor = this.cursor
    for (const lane of this.#lanes) {
      const first = lane?.at(0)
      if (first !== undefined) floor = Math.min(floor, this.#table.from[first] as number)
    }
    return floor
  }

  get table(): RunTable {
    return this.#table
  }

  /** The runs of one lane; undefined where it never had any. */
  lane(lane: number): LaneRuns | undefined {
    return this.#lanes[lane]
  }

  /** Lane by lane, ascending in each. */
  *allRuns(): Generator<RunId> {
    for (const lane of this.#lanes) if (lane !== undefined) yield* lane.all
  }

  /** How many runs there are. */
  get runCount(): number {
    return this.#lanes.reduce((sum, lane) => sum + (lane?.length ?? 0), 0)
  }

  /** The run that holds the record; undefined where none does. */
  runAt(offset: number): RunId | undefined {
    for (const lane of this.#lanes) {
      const run = lane?.at(lane.placeOf(offset))
      if (run !== undefined && this.#table.has(run, offset)) return run
    }
    return undefined
  }

  /** As {@link runAt}, all of it. */
  viewAt(offset: number): RunView | undefined {
    const run = this.runAt(offset)
    return run === undefined ? undefined : this.#table.view(run)
  }

  /** Records of one lane that were never handed out become one leased run; the cursors are moved when all of them have. */
  leaseFresh(ranges: readonly number[], { lease, lane, dueMs }: Fresh): void {
    let size = 0
    for (let i = 0; i < ranges.length; i += 2) {
      size += (ranges[i + 1] as number) - (ranges[i] as number)
    }
    if (size === 0) return
    const [from, to] = [ranges[0] as number, ranges.at(-1) as number]
    this.#keep({ lane, from, to })
    const run = this.#table.add({ window: this.id, lane, state: RUN.LEASED, from, to, size })
    if (to - from > size) this.#table.setMembers(run, membersOf(ranges, size))
    this.#table.setLease(run, lease)
    this.#table.dueMs[run] = dueMs
    this.#admit(run)
  }

  /** All five lanes go on at `cursor`, or each at its own; none goes back. */
  moveTo(cursor: number | readonly number[]): void {
    this.#keep()
    this.#cursors.moveTo(cursor)
  }

  /** What is below `start` is not there any more. */
  moveAbove(start: number): void {
    this.#keep()
    this.#cursors.raise(start)
  }

  /** Calls `change` with each run of the lane in the range, cut to it, between leaving its place and taking its new one. */
  change(range: LaneRange, change: (run: RunId) => void): void {
    const { lane, from, to } = range
    const runs = this.#lanes[lane]
    if (runs === undefined) return
    this.#keep(range)
    this.#cut(runs, from)
    this.#cut(runs, to)
    for (let at = runs.placeOf(from); ; at += 1) {
      const run = runs.at(at)
      if (run === undefined || (this.#table.from[run] as number) >= to) return
      this.#stands.leave(run)
      change(run)
      this.#stands.enter(run)
    }
  }

  /**
   * Settles what of the lane was handed out in the range. Returns how many records. `isDead`: not by the lease that was the
   * last, and whoever acks it now comes too late.
   */
  settle(range: LaneRange, isDead = false): number {
    const { lane, from, to } = range
    const runs = this.#lanes[lane]
    if (runs === undefined) return 0
    this.#keep(range)
    this.#cut(runs, from)
    this.#cut(runs, to)
    const first = runs.placeOf(from)
    let end = first
    let count = 0
    for (; ; end += 1) {
      const run = runs.at(end)
      if (run === undefined || (this.#table.from[run] as number) >= to) break
      this.#stands.leave(run)
      count += this.#table.count[run] as number
      this.retired.retire(this.#table, run, isDead)
      this.#table.remove(run)
    }
    runs.takeOut(first, end)
    if (lane !== NORMAL_PRIORITY) this.others -= count
    this.unresolved -= count
    return count
  }

  /** The time of a waiting run has come, and its timer is gone. */
  ripened(run: RunId): void {
    this.#stands.getReady(run)
  }

  /** Forgets what is not below `end`, as if nothing of it had been handed out. */
  shorten(end: number): void {
    this.#forgetFrom(end)
    this.#cursors.lower(end)
    this.retired.shorten(end)
  }

  /** Forgets everything; goes on at `cursor`. */
  reset(cursor: number): void {
    this.#forgetFrom(0)
    this.moveTo(cursor)
    this.retired.clear()
  }

  /** A run of a snapshot, behind those of its lane that are there; see {@link restored}. */
  restoreRun(run: RunId): void {
    this.#list(run)
    this.#stands.restore(run)
  }

  /** To be called when all runs of a snapshot are there. `deathsBegun`: see there. */
  restored(deathsBegun: number): void {
    this.#stands.restored(deathsBegun)
  }

  #forgetFrom(from: number): void {
    this.#keep()
    for (const [lane, runs] of this.#lanes.entries()) {
      if (runs === undefined) continue
      this.#keep({ lane, from, to: Number.POSITIVE_INFINITY })
      this.#cut(runs, from)
      const first = runs.placeOf(from)
      for (const run of runs.all.slice(first)) {
        this.#stands.leave(run)
        const size = this.#table.count[run] as number
        this.unresolved -= size
        if (lane !== NORMAL_PRIORITY) this.others -= size
        this.#table.remove(run)
      }
      runs.takeOut(first, runs.length)
    }
  }

  /** What lies there as yet belongs into the snapshot that is being written, where one is. */
  #keep(range: LaneRange = NO_RUNS): void {
    this.#heaps.frozen?.keep(this, range)
  }

  #admit(run: RunId): void {
    this.#list(run)
    this.#stands.enter(run)
  }

  #list(run: RunId): void {
    const lane = this.#table.lane(run)
    let runs = this.#lanes[lane]
    if (runs === undefined) {
      runs = new LaneRuns(this.#table)
      this.#lanes[lane] = runs
    }
    runs.add(run)
    const size = this.#table.count[run] as number
    this.unresolved += size
    if (lane !== NORMAL_PRIORITY) this.others += size
  }

  #cut(runs: LaneRuns, offset: number): void {
    const both = runs.cut(offset)
    if (both !== undefined) this.#stands.cut(...both)
  }
}
