/**
 * Where the runs of a window stand, beside their lines: leased ones by their deadline, waiting ones by the time from which
 * they are handed out again or, once that has come, among those that are ready, dying ones in their own line. Whoever
 * changes a run takes it out of its place before and puts it into the new one after. Counts go along.
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import type { Backoffs } from './backoffs.ts'
import type { DueHeap } from './dueHeap.ts'
import type { LaneCounts } from './laneCounts.ts'
import { ReadyRuns } from './readyRuns.ts'
import { RUN, type RunId, type RunState } from './run.ts'
import type { RunTable } from './runTable.ts'
import type { GroupOfWindow, Heaps } from './windowParts.ts'

export class Stands {
  readonly #heaps: Heaps
  readonly #table: RunTable
  readonly #group: GroupOfWindow
  readonly #counts: LaneCounts
  /** Waiting runs whose time has come. */
  readonly ready: ReadyRuns
  /** Dying runs in their line. */
  readonly dying: RunId[] = []
  /** Records held by a member now. */
  leased = 0
  /** Records ever put into the line of the dying. */
  deathsBegun = 0

  constructor(heaps: Heaps, group: GroupOfWindow, counts: LaneCounts) {
    this.#heaps = heaps
    this.#table = heaps.runs
    this.#group = group
    this.#counts = counts
    this.ready = new ReadyRuns(heaps.runs)
  }

  /** A run of a snapshot; see {@link restored}. */
  restore(run: RunId): void {
    if (this.#table.state(run) === RUN.DYING) this.dying.push(run)
    else this.enter(run)
  }

  /** To be called when all runs of a snapshot are there. */
  restored(deathsBegun: number): void {
    const { dueMs } = this.#table
    this.dying.sort((a, b) => (dueMs[a] as number) - (dueMs[b] as number))
    this.deathsBegun = deathsBegun
  }

  /** `rest` was cut off `run` and stands beside it. */
  cut(run: RunId, rest: RunId): void {
    const table = this.#table
    const state = table.state(run)
    if ((table.place[run] as number) >= 0) this.#timesOf(state).add(rest)
    else if (state === RUN.DYING) {
      table.dueMs[rest] = (table.dueMs[run] as number) + (table.count[run] as number)
      this.dying.splice(this.dying.indexOf(run) + 1, 0, rest)
    } else this.ready.add(rest)
  }

  #timesOf(state: RunState): DueHeap | Backoffs {
    return state === RUN.LEASED ? this.#heaps.deadlines : this.#heaps.backoffs
  }

  enter(run: RunId): void {
    const table = this.#table
    const state = table.state(run)
    if (state === RUN.DYING) {
      table.dueMs[run] = this.deathsBegun
      this.deathsBegun += table.count[run] as number
      this.dying.push(run)
      return
    }
    if (state === RUN.LEASED) this.#hold(run, table.count[run] as number)
    if (state === RUN.WAITING && table.dueMs[run] === 0) this.getReady(run)
    else this.#timesOf(state).add(run)
  }

  leave(run: RunId): void {
    const table = this.#table
    const state = table.state(run)
    if (state === RUN.LEASED) this.#hold(run, -(table.count[run] as number))
    if ((table.place[run] as number) >= 0) this.#timesOf(state).remove(run)
    else if (state === RUN.DYING) take(this.dying, run)
    else {
      this.ready.remove(run)
      this.#countReady(run, -1)
    }
  }

  getReady(run: RunId): void {
    this.ready.add(run)
    this.#countReady(run, 1)
  }

  #countReady(run: RunId, sign: 1 | -1): void {
    const { ready } = this.#counts
    const lane = this.#table.lane(run)
    ready[lane] = (ready[lane] as number) + sign * (this.#table.count[run] as number)
  }

  #hold(run: RunId, size: number): void {
    this.leased += size
    this.#counts.held += size
    const lane = this.#table.lane(run)
    if (lane !== NORMAL_PRIORITY) this.#holdOther(lane, size)
    const holder = this.#table.holder(run)
    if (holder === undefined) return
    holder.inFlight += size
    if (holder.inFlight === 0) this.#group.holders.delete(holder.id)
    else this.#group.holders.set(holder.id, holder)
  }

  #holdOther(lane: number, size: number): void {
    const { leasedOthers } = this.#group
    leasedOthers[lane] = (leasedOthers[lane] as number) + size
    this.#counts.holdOther(lane, size)
  }
}

function take(line: RunId[], run: RunId): void {
  if (line[0] === run) line.shift()
  else line.splice(line.indexOf(run), 1)
}
