/**
 * The windows as they were at one moment, while they go on changing: what a snapshot is written from, piece by piece.
 *
 *   runs now      ─┬──┬─────┬─── new ─┬──
 *   as they were   │  └ kept ┘ (none) │      whoever changes a stretch for the first time keeps first what lay there
 *        written ──┘
 *
 * A stretch that nobody has changed since is as it was and is read where it lies. So a change costs a copy of the runs
 * that it touches, once, and nothing is copied beforehand. What was written already may change as it likes.
 */
import { LANES } from '../../scheduling/index.ts'
import type { RunView } from './run.ts'
import type { Window } from './window.ts'
import type { LaneRange } from './windowParts.ts'

interface Stretch {
  readonly from: number
  to: number
  /** What lay in it, ascending; whole runs. */
  readonly runs: RunView[]
}

export class Frozen {
  /** Windows that are not written yet, each with what of it has changed since. */
  readonly #left = new Map<Window, FrozenWindow | undefined>()

  constructor(windows: Iterable<Window>) {
    for (const window of windows) this.#left.set(window, undefined)
  }

  /** To be called before anything of the window changes that is about these offsets, or about none. */
  keep(window: Window, { lane, from, to }: LaneRange): void {
    if (this.#left.has(window)) this.of(window).lane(lane).keep(from, to)
  }

  /** The window as it was. Only until it is {@link written}. */
  of(window: Window): FrozenWindow {
    let frozen = this.#left.get(window)
    if (frozen === undefined) {
      frozen = new FrozenWindow(window)
      this.#left.set(window, frozen)
    }
    return frozen
  }

  /** It is in the snapshot: nothing of it is kept any more. */
  written(window: Window): void {
    this.#left.delete(window)
  }
}

export class FrozenWindow {
  readonly cursor: number
  readonly cursors: readonly number[] | undefined
  readonly deathsBegun: number
  readonly retired: readonly number[]
  /** How many there were. */
  readonly runCount: number
  readonly #lanes: readonly FrozenLane[]
  /** The lane whose runs are being written. */
  #nth = 0

  constructor(window: Window) {
    this.cursor = window.cursor
    this.cursors = window.cursors
    this.deathsBegun = window.deathsBegun
    this.retired = window.retired.flat()
    this.runCount = window.runCount
    this.#lanes = Array.from({ length: LANES }, (_, lane) => new FrozenLane(window, lane))
  }

  lane(lane: number): FrozenLane {
    return this.#lanes[lane] as FrozenLane
  }

  /** Hands over up to `max` runs as they were, lane by lane, ascending in each. Returns how many; fewer: there are no more. */
  take(max: number, write: (run: RunView) => void): number {
    let taken = 0
    for (; this.#nth < LANES; this.#nth += 1) {
      taken += this.lane(this.#nth).take(max - taken, write)
      if (taken >= max) return taken
    }
    return taken
  }
}

export class FrozenLane {
  readonly #window: Window
  readonly #lane: number
  /** Ascending, none overlaps another; those before `#nth` are written. */
  readonly #stretches: Stretch[] = []
  #nth = 0
  /** The next run to be written within the stretch `#nth`. */
  #nthRun = 0
  /** Runs below are written. */
  #writtenTo = 0

  constructor(window: Window, lane: number) {
    this.#window = window
    this.#lane = lane
  }

  /** See {@link Frozen.keep}. */
  keep(from: number, to: number): void {
    let at = Math.max(from, this.#writtenTo)
    let nth = this.#placeOf(at)
    while (at < to) {
      const next = this.#stretches[nth]
      const end = Math.min(to, next?.from ?? to)
      if (at < end) nth = this.#keepNew(nth, at, end) + 1
      if (next === undefined) return
      at = Math.max(at, next.to)
      nth = this.#placeOf(at)
    }
  }

  /** Hands over up to `max` runs in ascending order, as they were; returns how many. Fewer: there are no more. */
  take(max: number, write: (run: RunView) => void): number {
    const runs = this.#window.lane(this.#lane)
    let place = runs?.placeOf(this.#writtenTo) ?? 0
    let taken = 0
    while (taken < max) {
      const stretch = this.#stretches[this.#nth]
      const run = this.#viewAt(place)
      // What is as it was overlaps no stretch.
      if (stretch !== undefined && (run === undefined || stretch.from < run.to)) {
        taken += this.#takeKept(stretch, max - taken, write)
        place = runs?.placeOf(this.#writtenTo) ?? 0
      } else if (run === undefined) return taken
      else {
        write(run)
        taken += 1
        place += 1
        this.#writtenTo = run.to
      }
    }
    return taken
  }

  #takeKept(stretch: Stretch, max: number, write: (run: RunView) => void): number {
    const first = this.#nthRun
    const end = Math.min(stretch.runs.length, first + max)
    for (; this.#nthRun < end; this.#nthRun += 1) write(stretch.runs[this.#nthRun] as RunView)
    if (end === stretch.runs.length) {
      this.#writtenTo = stretch.to
      this.#nth += 1
      this.#nthRun = 0
    }
    return end - first
  }

  /** Of a stretch that touches none that is kept; runs are kept whole. Returns its place. */
  #keepNew(nth: number, from: number, to: number): number {
    const kept: RunView[] = []
    const runs = this.#window.lane(this.#lane)
    for (let place = runs?.placeOf(from) ?? 0; ; place += 1) {
      const run = this.#viewAt(place)
      if (run === undefined || run.from >= to) break
      kept.push(run)
    }
    const start = Math.min(from, kept[0]?.from ?? from)
    const end = Math.max(to, kept.at(-1)?.to ?? to)
    const before = this.#stretches[nth - 1]
    if (before?.to === start && nth > this.#nth) {
      // Acks mostly come in the order of the records: one stretch grows.
      before.to = end
      for (const run of kept) before.runs.push(run)
      return nth - 1
    }
    this.#stretches.splice(nth, 0, { from: start, to: end, runs: kept })
    return nth
  }

  #viewAt(place: number): RunView | undefined {
    const run = this.#window.lane(this.#lane)?.at(place)
    return run === undefined ? undefined : this.#window.table.view(run)
  }

  /** Of the stretch that holds `offset`, or of the first behind it; none that is written. */
  #placeOf(offset: number): number {
    const stretches = this.#stretches
    let [low, high] = [this.#nth, stretches.length]
    if (high > low && (stretches[high - 1] as Stretch).to <= offset) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if ((stretches[middle] as Stretch).to > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
