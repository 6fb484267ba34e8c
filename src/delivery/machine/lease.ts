/**
 * Which records a member gets next of one lane: those that came back first, then what was never handed out.
 *
 * Where a partition holds normal records alone, what was never handed out is everything from the cursor on. Else the
 * lane's records are looked up, and the hand-out moves all five cursors: a lane that holds nothing more stands at the
 * end of the log, so that the floor is held back by nothing that is not there.
 */

import { LANES } from '../../scheduling/index.ts'
import { type DeliveryEvent, type Piece, sizeOf } from './events.ts'
import { LEASE_MS_MAX } from './policy.ts'
import type { RunId } from './run.ts'
import type { RunTable } from './runTable.ts'
import type { Window } from './window.ts'
import { type CommandOf, type Decided, type World, windowOf } from './world.ts'

type Lease = CommandOf<'lease'>

/** What is known of a partition whose records are not all normal. */
export interface LaneView {
  /** Ranges of the lane's next records from `from` on, flat; undefined where they would have to be loaded first. */
  next(lane: number, from: number, maxRecords: number): readonly number[] | undefined
  /** How many records of the lane were never handed out. */
  unread(lane: number): number
}

export function decideLease({ state, nowMs }: World, command: Lease): Decided {
  const window = windowOf(state, command.window)
  const policy = state.policyOf(window.group.name, window.topic)
  const held = window.group.holders.get(command.member)?.inFlight ?? 0
  const deadlineMs = nowMs + Math.min(command.visibilityMs ?? policy.visibilityMs, LEASE_MS_MAX)
  const choice = new Choice(Math.min(command.max, policy.inFlightMax - held), deadlineMs)
  const isAlone = chooseReady(window, choice, command)
  const room = Math.min(choice.room, policy.unresolvedMax - window.unresolved)
  const cursors = isAlone || room <= 0 ? undefined : chooseFresh(window, choice, command, room)
  const { ranges, pieces, fresh } = choice
  const reply = { window: window.id, pieces, isAlone, fresh }
  if (ranges.length === 0) return { events: [], reply }
  const { member, nonce, lane } = command
  const leased: DeliveryEvent = {
    type: 'leased',
    window: window.id,
    nonce,
    member,
    atMs: nowMs,
    deadlineMs,
    lane,
    ranges,
    cursors,
  }
  return { events: [leased], reply }
}

/** True where the member gets one record that is handed out alone. */
function chooseReady(window: Window, choice: Choice, { lane, isFirst }: Lease): boolean {
  const { table } = window
  const ready = window.ready.in(lane)
  const first = ready[0]
  if (first !== undefined && table.trouble(first)?.isolated && isFirst && choice.room > 0) {
    const from = table.from[first] as number
    choice.addAgain({ from, to: from + 1, size: 1, deliveries: table.deliveries(first) + 1 })
    return true
  }
  for (const run of ready) {
    if (choice.room <= 0) break
    if (!table.trouble(run)?.isolated) choice.addAgain(beginningOf(table, run, choice.room))
  }
  return false
}

/** The first `max` records of a run that is handed out again. */
function beginningOf(table: RunTable, run: RunId, max: number): Chosen {
  const [from, all] = [table.from[run] as number, table.count[run] as number]
  const size = Math.min(all, max)
  const to = size === all ? (table.to[run] as number) : table.offsetAt(run, size - 1) + 1
  const ranges = table.members(run)?.slice(0, size).ranges()
  return { from, to, size, deliveries: table.deliveries(run) + 1, ranges }
}

/** The cursors behind what was chosen; undefined where nothing was, or all five stand right behind it. */
function chooseFresh(
  window: Window,
  choice: Choice,
  { lane, end, view }: Lease,
  room: number,
): readonly number[] | undefined {
  const cursor = window.cursorOf(lane)
  if (view === undefined) {
    const fresh = Math.min(room, end - cursor)
    if (fresh > 0) choice.addFresh([cursor, cursor + fresh])
    return undefined
  }
  const ranges = view.next(lane, cursor, room) ?? []
  const behind = ranges.at(-1)
  if (behind === undefined) return undefined
  choice.addFresh(ranges)
  const cursors: number[] = []
  for (let each = 0; each < LANES; each += 1) {
    const left = view.unread(each) - (each === lane ? choice.fresh : 0)
    if (left <= 0) cursors.push(end)
    else if (each === lane) cursors.push(view.next(lane, behind, 1)?.[0] ?? behind)
    else cursors.push(window.cursorOf(each))
  }
  return cursors
}

interface Chosen {
  readonly from: number
  readonly to: number
  readonly size: number
  readonly deliveries: number
  /** Where others lie between. */
  readonly ranges?: readonly number[] | undefined
}

class Choice {
  readonly ranges: number[] = []
  readonly pieces: Piece[] = []
  readonly #deadlineMs: number
  /** How many more the member may have. */
  room: number
  /** Records chosen that were never handed out. */
  fresh = 0

  constructor(room: number, deadlineMs: number) {
    this.room = room
    this.#deadlineMs = deadlineMs
  }

  /** No other run of the lane lies between them. */
  addAgain(chosen: Chosen): void {
    this.ranges.push(chosen.from, chosen.to)
    this.#add(chosen)
  }

  /** All that was never handed out is one piece, whatever of other lanes lies between. */
  addFresh(ranges: readonly number[]): void {
    for (const each of ranges) this.ranges.push(each)
    const size = sizeOf(ranges)
    const [from, to] = [ranges[0] as number, ranges.at(-1) as number]
    const isDense = size === to - from
    this.#add({ from, to, size, deliveries: 1, ranges: isDense ? undefined : ranges })
    this.fresh += size
  }

  #add({ from, to, size, deliveries, ranges }: Chosen): void {
    const dueMs = this.#deadlineMs
    this.pieces.push({ from, to, size, outcome: 'done', deliveries, dueMs, ranges })
    this.room -= size
  }
}
