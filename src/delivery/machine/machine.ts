/**
 * Deliveries as a state machine: every window of every group.
 *
 *   ready ─▶ leased ─▶ settled
 *              │ ├─ nack, expired, its member died ─▶ waiting ─ backoff over ─▶ ready
 *              │ └─ once too often, or rejected ─▶ dying ─ appended to the dead letters ─▶ settled
 *              └─ its member left, or never got it ─▶ ready
 *
 * ready is not a state of its own: what was never handed out lies behind the cursor of its lane, what was is waiting with
 * its time past. So nothing is journaled when a backoff ends.
 */
import type { Decision, StateMachine } from '../../state/index.ts'
import { decide } from './decide.ts'
import {
  type DeliveryCommand,
  type DeliveryEvent,
  type DeliveryReply,
  eachRange,
  type LaneRanges,
  sizeOf,
  type WindowEvent,
} from './events.ts'
import type { DeliveryPolicy } from './policy.ts'
import { type Cause, RUN, type RunId, type Trouble } from './run.ts'
import type { DeliverySnapshot } from './snapshot.ts'
import { DeliveryState } from './state.ts'
import { Window } from './window.ts'
import type { LaneRange } from './windowParts.ts'

export interface MachineOptions {
  readonly policy?: Partial<DeliveryPolicy> | undefined
  /** For backoffs and the names of windows; asked in decide() alone. */
  readonly random: () => number
}

export class DeliveryMachine
  implements StateMachine<DeliveryCommand, DeliveryEvent, DeliveryReply, DeliverySnapshot>
{
  readonly state: DeliveryState
  readonly #random: () => number

  constructor({ policy, random }: MachineOptions) {
    this.state = new DeliveryState(policy)
    this.#random = random
  }

  decide(command: DeliveryCommand, nowMs: number): Decision<DeliveryEvent, DeliveryReply> {
    return decide({ state: this.state, nowMs, random: this.#random }, command)
  }

  apply(event: DeliveryEvent): void {
    const { state } = this
    switch (event.type) {
      case 'opened': {
        const group = state.groupOf(event.group, event.epochMs)
        const { window: id, ...identity } = event
        state.put(new Window({ id, ...identity }, group, event.cursor, state), group)
        return
      }
      case 'groupDropped': {
        const group = state.groups.get(event.group)
        for (const window of [...(group?.allWindows() ?? [])]) state.drop(window)
        state.groups.delete(event.group)
        return
      }
      case 'policy':
        applyPolicy(state, event)
        return
      default: {
        const window = state.windows.get(event.window)
        if (window !== undefined) applyToWindow(state, window, event)
      }
    }
  }

  snapshot(): DeliverySnapshot {
    return this.state
  }

  restore(snapshot: DeliverySnapshot): void {
    if (!(snapshot instanceof DeliveryState)) snapshot.restoreInto(this.state)
  }
}

function applyPolicy(state: DeliveryState, event: DeliveryEvent & { type: 'policy' }): void {
  const { scope, name, epochMs, policy } = event
  if (scope === 'group') state.groupOf(name, epochMs).policy = policy
  else if (Object.keys(policy).length === 0) state.topicPolicies.delete(name)
  else state.topicPolicies.set(name, policy)
}

function applyToWindow(state: DeliveryState, window: Window, event: WindowEvent): void {
  switch (event.type) {
    case 'leased':
      state.lastMs = Math.max(state.lastMs, event.atMs)
      applyLease(state, window, event)
      return
    case 'settled':
      settleAll(state, window, event)
      return
    case 'failed':
      state.lastMs = Math.max(state.lastMs, event.atMs)
      applyFailure(state, window, event)
      return
    case 'released':
      applyRelease(state, window, event)
      return
    case 'extended':
      state.totals.extensions += changeAll(window, event.ranges, (run) => {
        state.runs.dueMs[run] = event.deadlineMs
      })
      return
    case 'dying':
      state.lastMs = Math.max(state.lastMs, event.atMs)
      countFailures(state, event.cause, applyDying(window, event))
      state.dyingIn.add(window)
      return
    case 'buried':
      eachLaneRange(event.ranges, (range) => {
        state.totals.buried += window.settle(range, true)
      })
      return
    case 'retained':
      state.totals.retentionSkipped += applyRetained(window, event)
      return
    case 'shortened':
      window.shorten(event.end)
      return
    case 'dropped':
      state.drop(window)
      return
  }
}

type EventOf<K extends WindowEvent['type']> = Extract<WindowEvent, { type: K }>

function applyLease(state: DeliveryState, window: Window, event: EventOf<'leased'>): void {
  const group = state.groups.get(window.group.name)
  const holder = group?.holder(event.member) ?? { id: event.member, inFlight: 0 }
  const lease = { nonce: event.nonce, holder, atMs: event.atMs }
  const { lane, ranges, cursors, deadlineMs: dueMs } = event
  const { runs: table } = state
  const cursor = window.cursorOf(lane)
  let again = 0
  while (again < ranges.length && (ranges[again] as number) < cursor) again += 2
  eachRange(ranges.slice(0, again), (from, to) => {
    window.change({ lane, from, to }, (run) => {
      table.setState(run, RUN.LEASED)
      table.setDeliveries(run, table.deliveries(run) + 1)
      table.setLease(run, lease)
      table.dueMs[run] = dueMs
      state.totals.handedOut += table.count[run] as number
    })
  })
  const fresh = again === 0 ? ranges : ranges.slice(again)
  state.totals.handedOut += sizeOf(fresh)
  window.leaseFresh(fresh, { lease, lane, dueMs })
  const behind = fresh.at(-1)
  if (cursors !== undefined) window.moveTo(cursors)
  else if (behind !== undefined) window.moveTo(behind)
}

function applyFailure(state: DeliveryState, window: Window, event: EventOf<'failed'>): void {
  const { waits } = event
  const { runs: table } = state
  const failed = troubles(event)
  for (let i = 0; i + 3 < waits.length; i += 4) {
    const [lane, from, to, dueMs] = waits.slice(i, i + 4) as [number, number, number, number]
    window.change({ lane, from, to }, (run) => {
      countFailures(state, event.cause, table.count[run] as number)
      table.setState(run, RUN.WAITING)
      table.dueMs[run] = dueMs
      table.setTrouble(run, failed(table.trouble(run)))
    })
  }
}

/** Returns how many records. */
function applyDying(window: Window, event: EventOf<'dying'>): number {
  const failed = troubles(event)
  const { table } = window
  return changeAll(window, event.ranges, (run) => {
    table.setState(run, RUN.DYING)
    table.setTrouble(run, failed(table.trouble(run)))
  })
}

function applyRelease(state: DeliveryState, window: Window, event: EventOf<'released'>): void {
  const { takenBack, ranges } = event
  const { runs: table } = state
  const released = changeAll(window, ranges, (run) => {
    table.setState(run, RUN.WAITING)
    table.dueMs[run] = 0
    if (!takenBack) return
    table.setDeliveries(run, table.deliveries(run) - 1)
    table.setLease(run, undefined)
  })
  if (takenBack) state.totals.takenBack += released
}

interface Failing {
  readonly cause: Cause
  readonly error: string
  readonly atMs: number
}

/** Runs that had the same trouble before have the same one after it. */
function troubles({ cause, error, atMs }: Failing): (before: Trouble | undefined) => Trouble {
  const made = new Map<Trouble | undefined, Trouble>()
  return (before) => {
    let trouble = made.get(before)
    if (trouble === undefined) {
      trouble = {
        failures: (before?.failures ?? 0) + (cause === 'rejected' ? 0 : 1),
        firstMs: before?.firstMs ?? atMs,
        lastMs: atMs,
        cause,
        error,
        isolated: cause === 'died' || (before?.isolated ?? false),
      }
      made.set(before, trouble)
    }
    return trouble
  }
}

/** What is below the log's start and in nobody's hands is settled unseen. Returns how many records that are. */
function applyRetained(window: Window, { start, unread }: EventOf<'retained'>): number {
  let count = unread ?? Math.max(0, start - window.cursor)
  window.moveAbove(start)
  const { table } = window
  const gone: LaneRange[] = []
  for (const run of window.allRuns()) {
    const from = table.from[run] as number
    if (table.state(run) !== RUN.WAITING || from >= start) continue
    gone.push({ lane: table.lane(run), from, to: Math.min(table.to[run] as number, start) })
  }
  for (const range of gone) count += window.settle(range)
  return count
}

function settleAll(state: DeliveryState, window: Window, event: EventOf<'settled'>): void {
  const { by, ranges } = event
  let count = 0
  eachLaneRange(ranges, (range) => {
    count += window.settle(range, by === 'discarded')
  })
  if (by === 'ack') state.totals.acks += count
  else if (by === 'commit') state.totals.commits += count
}

function countFailures({ totals }: DeliveryState, cause: Cause, count: number): void {
  if (cause === 'nack') totals.nacks += count
  else if (cause === 'expired') totals.expiries += count
  else if (cause === 'died') totals.deaths += count
  else totals.rejects += count
}

/** Returns how many records were changed. */
function changeAll(window: Window, ranges: LaneRanges, change: (run: RunId) => void): number {
  const { table } = window
  let count = 0
  eachLaneRange(ranges, (range) =>
    window.change(range, (run) => {
      count += table.count[run] as number
      change(run)
    }),
  )
  return count
}

function eachLaneRange(ranges: LaneRanges, work: (range: LaneRange) => void): void {
  for (let i = 0; i + 2 < ranges.length; i += 3) {
    const [lane, from, to] = [ranges[i] as number, ranges[i + 1] as number, ranges[i + 2] as number]
    work({ lane, from, to })
  }
}
