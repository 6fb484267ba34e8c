/**
 * Finds what receipts speak of: parts of runs, and what is in no run any more. What was said of it is for the judge.
 *
 * Of a range with its lane only that lane's line is looked at: all that lies between two of its records is nothing it
 * speaks of. Where the lane is not known, as in receipts of single records, each lane is asked.
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { LANES } from '../../scheduling/index.ts'
import { ANY_LANE, type Outcome, type Piece, type Receipts } from './events.ts'
import type { RunId } from './run.ts'
import type { Window } from './window.ts'

export interface Verdict {
  readonly outcome: Outcome
  readonly dueMs: number
}

export interface Judge {
  /** Of a part of a run that is still of this hand-out. */
  readonly onRun: (run: RunId, from: number, to: number) => Verdict
  /** What was said means that of a record that was settled. */
  readonly onSettled: Outcome
}

type Told = Pick<Receipts, 'nonce' | 'deliveries' | 'laneAt'>

const LOST: Verdict = { outcome: 'lost', dueMs: 0 }

export class Hearing {
  readonly #window: Window
  readonly #told: Told
  readonly #judge: Judge
  readonly pieces: Piece[] = []

  constructor(window: Window, told: Told, judge: Judge) {
    this.#window = window
    this.#told = told
    this.#judge = judge
  }

  hear(lane: number, from: number, to: number): void {
    if (lane !== ANY_LANE) this.#inLane(lane, from, to)
    else if (isPlain(this.#window, from, to)) this.#inLane(NORMAL_PRIORITY, from, to)
    else this.#inAny(from, to)
  }

  #inLane(lane: number, from: number, to: number): void {
    const { table } = this.#window
    const runs = this.#window.lane(lane)
    let place = runs?.placeOf(from) ?? 0
    for (let at = from; at < to; ) {
      const run = runs?.at(place)
      if (run !== undefined && (table.from[run] as number) <= at) {
        const end = Math.min(to, table.to[run] as number)
        this.#run(run, at, end)
        at = end
        place += 1
      } else {
        const end = run === undefined ? to : Math.min(to, table.from[run] as number)
        this.#gap(lane, at, end)
        at = end
      }
    }
  }

  /** One by one where records of several lanes lie: this is nothing that many ask for. */
  #inAny(from: number, to: number): void {
    const { table } = this.#window
    for (let at = from; at < to; ) {
      const run = this.#window.runAt(at)
      const isDense = run !== undefined && table.members(run) === undefined
      const end = isDense ? Math.min(to, table.to[run] as number) : at + 1
      if (run !== undefined) this.#run(run, at, end)
      else this.#gap(this.#laneAt(at), at, end)
      at = end
    }
  }

  /** Of a record in no run: where all cursors are beyond it, or none is, any lane will do. */
  #laneAt(offset: number): number {
    const { cursors, cursor, end } = this.#window
    if (cursors === undefined || offset < cursor || offset >= end) return NORMAL_PRIORITY
    const lane = this.#told.laneAt?.(offset)
    // Not known: the one that is furthest; nothing is said to be unknown that was handed out.
    return lane ?? cursors.indexOf(end)
  }

  #run(run: RunId, from: number, to: number): void {
    const { table } = this.#window
    const size = table.countBelow(run, to) - table.countBelow(run, from)
    const { outcome, dueMs } = table.isOf(run, this.#told.nonce)
      ? this.#judge.onRun(run, from, to)
      : LOST
    this.pieces.push({ from, to, size, outcome, deliveries: table.deliveries(run), dueMs })
  }

  /** What is in no run: settled, or never handed out. */
  #gap(lane: number, from: number, to: number): void {
    const behind = Math.max(from, Math.min(to, this.#window.cursorOf(lane)))
    if (from < behind) this.#settled(from, behind)
    if (behind < to) this.#piece('unknown', { from: behind, to, deliveries: 0 })
  }

  #settled(from: number, to: number): void {
    const { retired } = this.#window
    const { deliveries } = this.#told
    const { onSettled } = this.#judge
    if (retired.isEmpty || onSettled === 'lost') {
      this.#piece(onSettled, { from, to, deliveries })
      return
    }
    let at = from
    for (const lost of retired.handedOutAfter(deliveries, from, to)) {
      if (at < lost) this.#piece(onSettled, { from: at, to: lost, deliveries })
      this.#piece('lost', { from: lost, to: lost + 1, deliveries })
      at = lost + 1
    }
    if (at < to) this.#piece(onSettled, { from: at, to, deliveries })
  }

  #piece(outcome: Outcome, { from, to, deliveries }: Pick<Piece, 'from' | 'to' | 'deliveries'>) {
    this.pieces.push({ from, to, size: to - from, outcome, deliveries, dueMs: 0 })
  }
}

/** Where nothing of other lanes is left, and nothing of the range has ever had any between its records. */
function isPlain(window: Window, from: number, to: number): boolean {
  if (window.cursors !== undefined) return false
  for (let lane = 0; lane < LANES; lane += 1) {
    if (lane !== NORMAL_PRIORITY && (window.lane(lane)?.length ?? 0) > 0) return false
  }
  const { table } = window
  const runs = window.lane(NORMAL_PRIORITY)
  for (let place = runs?.placeOf(from) ?? 0; ; place += 1) {
    const run = runs?.at(place)
    if (run === undefined || (table.from[run] as number) >= to) return true
    if (table.members(run) !== undefined) return false
  }
}
