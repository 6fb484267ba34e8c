/** What each command leads to: reads the state, changes nothing, refuses by throwing. */
import type { DeliveryCommand, DeliveryEvent, Piece, SettledBy, WindowEvent } from './events.ts'
import { Failures } from './failures.ts'
import { decideLease } from './lease.ts'
import { decideReceipts } from './receipts.ts'
import { RUN, type RunId } from './run.ts'
import type { DeliveryState } from './state.ts'
import type { Window } from './window.ts'
import { type CommandOf, type Decided, type World, windowOf } from './world.ts'

const NO_PIECES: readonly Piece[] = []
const PRODUCER_IDS = 2 ** 51

export function decide(world: World, command: DeliveryCommand): Decided {
  switch (command.kind) {
    case 'open':
      return decideOpen(world, command)
    case 'drop': {
      const known = command.windows.filter((id) => world.state.windows.has(id))
      return only(...known.map((window) => ({ type: 'dropped' as const, window })))
    }
    case 'dropGroup':
      if (!world.state.groups.has(command.group)) return only()
      return only({ type: 'groupDropped', group: command.group })
    case 'lease':
      return decideLease(world, command)
    case 'ack':
    case 'nack':
    case 'reject':
    case 'extend':
    case 'takeBack':
    case 'pass':
      return decideReceipts(world, command)
    case 'commit': {
      const window = windowOf(world.state, command.window)
      return only(...settled(window, 'commit', heldBelow(window, command.to)))
    }
    case 'commitHeld':
      return only(
        ...heldBy(world.state, command).flatMap(([window, runs]) =>
          settled(window, 'commit', rangesOf(window, runs)),
        ),
      )
    case 'part':
      return decidePart(world, command)
    case 'expire':
      return decideExpire(world, command.max)
    case 'retain':
      return decideRetain(world.state, command)
    case 'shorten': {
      const { window, end } = command
      if (windowOf(world.state, window).end <= end) return only()
      return only({ type: 'shortened', window, end })
    }
    case 'bury': {
      const { window, lane, from, to } = command
      return only({ type: 'buried', window, ranges: [lane, from, to] })
    }
    case 'policy': {
      const { scope, name, epochMs, policy } = command
      return only({ type: 'policy', scope, name, epochMs, policy })
    }
  }
}

const only = (...events: DeliveryEvent[]): Decided => ({
  events,
  reply: { window: 0, pieces: NO_PIECES },
})

function decideOpen({ state, random }: World, command: CommandOf<'open'>): Decided {
  const known = state.groups.get(command.group)?.window(command.topic, command.partition)
  if (known !== undefined) return { events: [], reply: { window: known.id, pieces: NO_PIECES } }
  const window = state.nextWindow
  const producerId = 1 + Math.floor(random() * PRODUCER_IDS)
  const { kind: _, ...identity } = command
  return {
    events: [{ type: 'opened', window, producerId, ...identity }],
    reply: { window, pieces: NO_PIECES },
  }
}

const settled = (window: Window, by: SettledBy, ranges: readonly number[]): WindowEvent[] =>
  ranges.length === 0 ? [] : [{ type: 'settled', window: window.id, by, ranges }]

/** What was handed out below `to` and is not on its way into the dead letters. */
function heldBelow(window: Window, to: number): number[] {
  const { table } = window
  const ranges: number[] = []
  for (const run of window.allRuns()) {
    const from = table.from[run] as number
    if (from >= to || table.state(run) === RUN.DYING) continue
    ranges.push(table.lane(run), from, Math.min(table.to[run] as number, to))
  }
  return ranges
}

/** All of them, lane by lane. */
function rangesOf({ table }: Window, runs: readonly RunId[]): number[] {
  const ranges: number[] = []
  for (const run of runs) {
    ranges.push(table.lane(run), table.from[run] as number, table.to[run] as number)
  }
  return ranges
}

/** What a member holds, by window. */
function heldBy(
  state: DeliveryState,
  { group, member }: { readonly group: string; readonly member: string },
): [Window, RunId[]][] {
  const known = state.groups.get(group)
  if (known === undefined || !known.holders.has(member)) return []
  const { runs: table } = state
  const held: [Window, RunId[]][] = []
  for (const window of known.allWindows()) {
    if (window.leased === 0) continue
    const runs: RunId[] = []
    for (const run of window.allRuns()) {
      if (table.state(run) === RUN.LEASED && table.holder(run)?.id === member) runs.push(run)
    }
    if (runs.length > 0) held.push([window, runs])
  }
  return held
}

function decidePart(world: World, command: CommandOf<'part'>): Decided {
  const held = heldBy(world.state, command)
  if (command.reason === 'left') {
    return only(
      ...held.map(
        ([window, runs]): WindowEvent => ({
          type: 'released',
          window: window.id,
          takenBack: false,
          ranges: rangesOf(window, runs),
        }),
      ),
    )
  }
  return only(
    ...held.flatMap(([window, runs]) => {
      const failures = new Failures(world, window, { cause: 'died', error: '' })
      addAll(failures, window, runs)
      return failures.events()
    }),
  )
}

function decideExpire({ state, nowMs, ...world }: World, max: number): Decided {
  const { runs: table } = state
  const byWindow = new Map<Window, RunId[]>()
  for (const run of state.deadlines.due(nowMs, max)) {
    const window = windowOf(state, table.window[run] as number)
    const runs = byWindow.get(window)
    if (runs === undefined) byWindow.set(window, [run])
    else runs.push(run)
  }
  const events: WindowEvent[] = []
  for (const [window, runs] of byWindow) {
    const failing = { cause: 'expired', error: '' } as const
    const failures = new Failures({ state, nowMs, ...world }, window, failing)
    runs.sort((a, b) => (table.from[a] as number) - (table.from[b] as number))
    addAll(failures, window, runs)
    events.push(...failures.events())
  }
  return only(...events)
}

function addAll(failures: Failures, { table }: Window, runs: readonly RunId[]): void {
  for (const run of runs) failures.add(run, table.from[run] as number, table.to[run] as number)
}

function decideRetain(state: DeliveryState, command: CommandOf<'retain'>): Decided {
  const { window: id, start, unread } = command
  const window = windowOf(state, id)
  if (window.cursor >= start && !hasWaitingBelow(window, start)) return only()
  return only({ type: 'retained', window: id, start, unread })
}

function hasWaitingBelow(window: Window, start: number): boolean {
  const { table } = window
  for (const run of window.allRuns()) {
    if (table.state(run) === RUN.WAITING && (table.from[run] as number) < start) return true
  }
  return false
}
