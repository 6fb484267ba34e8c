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
import type {
  DeliveryCommand,
  DeliveryEvent,
  DeliveryReply,
  Ranges,
  WindowEvent,
} from './events.ts'
import type { DeliveryPolicy } from './policy.ts'
import { type Cause, RUN, type Run, type Trouble } from './run.ts'
import type { DeliverySnapshot } from './snapshot.ts'
import { DeliveryState } from './state.ts'
import { Window } from './window.ts'

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
      eachRange(event.ranges, (from, to) => window.change(from, to, release(event.takenBack)))
      if (event.takenBack) state.totals.takenBack += sizeOf(event.ranges)
      return
    case 'extended':
      state.totals.extensions += sizeOf(event.ranges)
      eachRange(event.ranges, (from, to) =>
        window.change(from, to, (run) => {
          run.dueMs = event.deadlineMs
        }),
      )
      return
    case 'dying':
      state.lastMs = Math.max(state.lastMs, event.atMs)
      countFailures(state, event.cause, sizeOf(event.ranges))
      applyDying(window, event)
      state.dyingIn.add(window)
      return
    case 'buried':
      eachRange(event.ranges, (from, to) => {
        state.totals.buried += window.settle(from, to, true)
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
  state.totals.handedOut += sizeOf(ranges)
  const cursor = window.cursorOf(lane)
  let behind = -1
  eachRange(ranges, (from, to) => {
    if (from >= cursor) {
      window.leaseFresh(from, to, { lease, lane, dueMs })
      behind = to
      return
    }
    window.change(from, to, (run) => {
      run.state = RUN.LEASED
      run.deliveries += 1
      run.lease = lease
      run.dueMs = dueMs
    })
  })
  if (cursors !== undefined) window.moveTo(cursors)
  else if (behind >= 0) window.moveTo(behind)
}

function applyFailure(state: DeliveryState, window: Window, event: EventOf<'failed'>): void {
  const { waits } = event
  const failed = troubles(event)
  for (let i = 0; i + 2 < waits.length; i += 3) {
    const [from, to, dueMs] = [waits[i] as number, waits[i + 1] as number, waits[i + 2] as number]
    countFailures(state, event.cause, to - from)
    window.change(from, to, (run) => {
      run.state = RUN.WAITING
      run.dueMs = dueMs
      run.trouble = failed(run.trouble)
    })
  }
}

function applyDying(window: Window, event: EventOf<'dying'>): void {
  const failed = troubles(event)
  eachRange(event.ranges, (from, to) =>
    window.change(from, to, (run) => {
      run.state = RUN.DYING
      run.trouble = failed(run.trouble)
    }),
  )
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

const release =
  (takenBack: boolean) =>
  (run: Run): void => {
    run.state = RUN.WAITING
    run.dueMs = 0
    if (!takenBack) return
    run.deliveries -= 1
    run.lease = undefined
  }

/** What is below the log's start and in nobody's hands is settled unseen. Returns how many records that are. */
function applyRetained(window: Window, { start, unread }: EventOf<'retained'>): number {
  let count = unread ?? Math.max(0, start - window.cursor)
  window.moveAbove(start)
  const gone = window.runs.filter((run) => run.state === RUN.WAITING && run.from < start)
  for (const run of gone) count += window.settle(run.from, Math.min(run.to, start))
  return count
}

function settleAll(state: DeliveryState, window: Window, event: EventOf<'settled'>): void {
  const { by, ranges } = event
  let count = 0
  eachRange(ranges, (from, to) => {
    count += window.settle(from, to, by === 'discarded')
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

function eachRange(ranges: Ranges, work: (from: number, to: number) => void): void {
  for (let i = 0; i + 1 < ranges.length; i += 2) work(ranges[i] as number, ranges[i + 1] as number)
}

function sizeOf(ranges: Ranges): number {
  let size = 0
  eachRange(ranges, (from, to) => {
    size += to - from
  })
  return size
}
