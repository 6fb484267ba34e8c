/** Which records a member gets next: those that came back first, then what was never handed out. */

import type { Piece } from './events.ts'
import { LEASE_MS_MAX } from './policy.ts'
import type { Window } from './window.ts'
import { type CommandOf, type Decided, type World, windowOf } from './world.ts'

type Lease = CommandOf<'lease'>

export function decideLease({ state, nowMs }: World, command: Lease): Decided {
  const window = windowOf(state, command.window)
  const policy = state.policyOf(window.group.name, window.topic)
  const held = window.group.holders.get(command.member)?.inFlight ?? 0
  const deadlineMs = nowMs + Math.min(command.visibilityMs ?? policy.visibilityMs, LEASE_MS_MAX)
  const choice = new Choice(Math.min(command.max, policy.inFlightMax - held), deadlineMs)
  const isAlone = chooseReady(window, choice, command.isFirst)
  if (!isAlone) {
    const unresolvedRoom = policy.unresolvedMax - window.unresolved
    const fresh = Math.min(choice.room, unresolvedRoom, command.end - window.cursor)
    if (fresh > 0) choice.add(window.cursor, window.cursor + fresh, 1)
  }
  const { ranges, pieces } = choice
  const reply = { window: window.id, pieces, isAlone }
  if (ranges.length === 0) return { events: [], reply }
  const { member, nonce } = command
  return {
    events: [{ type: 'leased', window: window.id, nonce, member, atMs: nowMs, deadlineMs, ranges }],
    reply,
  }
}

/** True where the member gets one record that is handed out alone. */
function chooseReady(window: Window, choice: Choice, isFirst: boolean): boolean {
  const first = window.ready[0]
  if (first?.trouble?.isolated && isFirst && choice.room > 0) {
    choice.add(first.from, first.from + 1, first.deliveries + 1)
    return true
  }
  for (const run of window.ready) {
    if (choice.room <= 0) break
    if (run.trouble?.isolated) continue
    choice.add(run.from, Math.min(run.to, run.from + choice.room), run.deliveries + 1)
  }
  return false
}

class Choice {
  readonly ranges: number[] = []
  readonly pieces: Piece[] = []
  readonly #deadlineMs: number
  /** How many more the member may have. */
  room: number

  constructor(room: number, deadlineMs: number) {
    this.room = room
    this.#deadlineMs = deadlineMs
  }

  add(from: number, to: number, deliveries: number): void {
    this.ranges.push(from, to)
    this.pieces.push({ from, to, outcome: 'done', deliveries, dueMs: this.#deadlineMs })
    this.room -= to - from
  }
}
