/**
 * Which records a member gets next of one lane: those that came back first, then what was never handed out.
 *
 * Where a partition holds normal records alone, what was never handed out is everything from the cursor on. Else the
 * lane's records are looked up, and the hand-out moves all five cursors: a lane that holds nothing more stands at the
 * end of the log, so that the floor is held back by nothing that is not there.
 */

import { LANES } from '../../scheduling/index.ts'
import type { DeliveryEvent, Piece } from './events.ts'
import { LEASE_MS_MAX } from './policy.ts'
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
  const ready = window.ready.in(lane)
  const first = ready[0]
  if (first?.trouble?.isolated && isFirst && choice.room > 0) {
    choice.add(first.from, first.from + 1, first.deliveries + 1)
    return true
  }
  for (const run of ready) {
    if (choice.room <= 0) break
    if (run.trouble?.isolated) continue
    choice.add(run.from, Math.min(run.to, run.from + choice.room), run.deliveries + 1)
  }
  return false
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
    if (fresh > 0) choice.addFresh(cursor, cursor + fresh)
    return undefined
  }
  const ranges = view.next(lane, cursor, room) ?? []
  for (let i = 0; i + 1 < ranges.length; i += 2) {
    choice.addFresh(ranges[i] as number, ranges[i + 1] as number)
  }
  const behind = ranges.at(-1)
  if (behind === undefined) return undefined
  const cursors: number[] = []
  for (let each = 0; each < LANES; each += 1) {
    const left = view.unread(each) - (each === lane ? choice.fresh : 0)
    if (left <= 0) cursors.push(end)
    else if (each === lane) cursors.push(view.next(lane, behind, 1)?.[0] ?? behind)
    else cursors.push(window.cursorOf(each))
  }
  return cursors
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

  add(from: number, to: number, deliveries: number): void {
    this.ranges.push(from, to)
    this.pieces.push({ from, to, outcome: 'done', deliveries, dueMs: this.#deadlineMs })
    this.room -= to - from
  }

  addFresh(from: number, to: number): void {
    this.add(from, to, 1)
    this.fresh += to - from
  }
}
