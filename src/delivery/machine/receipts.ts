/**
 * What a worker says of records that it was handed, or the broker in its place: acked, failed, to be held longer,
 * never arrived.
 *
 * The nonce decides: a run remembers its last hand-out also after that has expired, so that a worker who comes late but
 * before anybody else is still heard.
 */

import type { Outcome, Piece, Receipts, WindowEvent } from './events.ts'
import { Failures } from './failures.ts'
import { LEASE_MS_MAX } from './policy.ts'
import { RUN, type Run } from './run.ts'
import type { Window } from './window.ts'
import { type CommandOf, type Decided, type World, windowOf } from './world.ts'

type Said = CommandOf<'ack' | 'nack' | 'reject' | 'extend' | 'takeBack' | 'pass'>

/** Decides on one part of a run that is still of this hand-out. */
type OnRun = (run: Run, from: number, to: number) => { outcome: Outcome; dueMs: number }

interface Saying {
  readonly onRun: OnRun
  /** What it means of a record that was settled. */
  readonly onSettled: Outcome
  readonly events: () => WindowEvent[]
}

export function decideReceipts(world: World, said: Said): Decided {
  const window = windowOf(world.state, said.window)
  const { onRun, onSettled, events } = sayingOf(world, window, said)
  const pieces: Piece[] = []
  walk(pieces, window, said, { onRun, onSettled })
  if (said.kind === 'ack' && said.also !== undefined) {
    const { also } = said
    for (let i = 0; i < also.length; i += 2) {
      const range = { ...said, from: also[i] as number, to: also[i + 1] as number }
      walk(pieces, window, range, { onRun, onSettled })
    }
  }
  return { events: events(), reply: { window: window.id, pieces } }
}

function sayingOf(world: World, window: Window, said: Said): Saying {
  if (said.kind === 'ack') return settling(window, 'ack', true)
  if (said.kind === 'pass') return settling(window, 'passed', false)
  if (said.kind === 'extend') return extending(world, window, said.timeoutMs)
  if (said.kind === 'takeBack') return takingBack(window)
  return failing(world, window, said)
}

const DONE = { outcome: 'done', dueMs: 0 } as const
const LOST = { outcome: 'lost', dueMs: 0 } as const

function settling(window: Window, by: 'ack' | 'passed', alsoExpired: boolean): Saying {
  const ranges: number[] = []
  return {
    onRun: ({ state }, from, to) => {
      if (state !== RUN.LEASED && (state !== RUN.WAITING || !alsoExpired)) return LOST
      add(ranges, from, to)
      return DONE
    },
    onSettled: 'done',
    events: () => (ranges.length === 0 ? [] : [{ type: 'settled', window: window.id, by, ranges }]),
  }
}

function failing(world: World, window: Window, said: CommandOf<'nack' | 'reject'>): Saying {
  const delayMs = said.kind === 'nack' ? said.delayMs : undefined
  const cause = said.kind === 'nack' ? 'nack' : 'rejected'
  const failures = new Failures(world, window, { cause, error: said.error, delayMs })
  return {
    onRun: (run, from, to) => {
      if (run.state === RUN.DYING) return { outcome: 'dead', dueMs: 0 }
      // It has failed already, by its time: once is enough.
      const isBack = run.state === RUN.WAITING && cause === 'nack'
      if (isBack) return { outcome: 'requeued', dueMs: run.dueMs }
      return failures.add(run, from, to)
    },
    onSettled: 'lost',
    events: () => failures.events(),
  }
}

function extending({ nowMs }: World, window: Window, timeoutMs: number): Saying {
  const byDeadline = new Map<number, number[]>()
  return {
    onRun: (run, from, to) => {
      if (run.state !== RUN.LEASED) return LOST
      const dueMs = Math.min(nowMs + timeoutMs, (run.lease?.atMs ?? nowMs) + LEASE_MS_MAX)
      const ranges = byDeadline.get(dueMs) ?? []
      add(ranges, from, to)
      byDeadline.set(dueMs, ranges)
      return { outcome: 'done', dueMs }
    },
    onSettled: 'lost',
    events: () =>
      [...byDeadline].map(([deadlineMs, ranges]) => ({
        type: 'extended',
        window: window.id,
        deadlineMs,
        ranges,
      })),
  }
}

function takingBack(window: Window): Saying {
  const ranges: number[] = []
  return {
    onRun: ({ state }, from, to) => {
      if (state !== RUN.LEASED) return LOST
      add(ranges, from, to)
      return DONE
    },
    onSettled: 'lost',
    events: () =>
      ranges.length === 0 ? [] : [{ type: 'released', window: window.id, takenBack: true, ranges }],
  }
}

/** Neighbours become one range. */
function add(ranges: number[], from: number, to: number): void {
  if (ranges.length > 0 && ranges.at(-1) === from) ranges[ranges.length - 1] = to
  else ranges.push(from, to)
}

function walk(
  pieces: Piece[],
  window: Window,
  said: Receipts,
  { onRun, onSettled }: Pick<Saying, 'onRun' | 'onSettled'>,
): void {
  const { nonce, to } = said
  let at = said.from
  let place = window.placeOf(at)
  while (at < to) {
    const run = window.runs[place]
    if (run !== undefined && run.from <= at) {
      const end = Math.min(to, run.to)
      const isOurs = run.lease !== undefined && run.lease.nonce === nonce
      pieces.push({
        from: at,
        to: end,
        deliveries: run.deliveries,
        ...(isOurs ? onRun(run, at, end) : LOST),
      })
      at = end
      place += 1
    } else if (at >= window.end) {
      pieces.push({ from: at, to, outcome: 'unknown', deliveries: 0, dueMs: 0 })
      at = to
    } else {
      at = addGap(
        pieces,
        { window, said, at, end: Math.min(to, run?.from ?? window.end) },
        onSettled,
      )
    }
  }
}

interface NoRun {
  readonly window: Window
  readonly said: Receipts
  readonly at: number
  readonly end: number
}

/** What is in no run: settled, or, where lanes stand at different places, maybe never handed out. Returns its end. */
function addGap(pieces: Piece[], { window, said, at, end }: NoRun, onSettled: Outcome): number {
  const { laneAt, deliveries } = said
  if (window.cursors === undefined || laneAt === undefined || end <= window.cursor) {
    addSettled(pieces, { window, from: at, to: end, deliveries }, onSettled)
    return end
  }
  // One by one: this is nothing that many ask for.
  const to = at < window.cursor ? window.cursor : at + 1
  const lane = at < window.cursor ? undefined : laneAt(at)
  if (lane === undefined || at < window.cursorOf(lane)) {
    addSettled(pieces, { window, from: at, to, deliveries }, onSettled)
  } else pieces.push({ from: at, to, outcome: 'unknown', deliveries: 0, dueMs: 0 })
  return to
}

interface Gap {
  readonly window: Window
  readonly from: number
  readonly to: number
  readonly deliveries: number
}

function addSettled(pieces: Piece[], gap: Gap, onSettled: Outcome): void {
  const { window, from, to, deliveries } = gap
  const piece = { deliveries, dueMs: 0 }
  if (window.retired.isEmpty || onSettled === 'lost') {
    pieces.push({ from, to, outcome: onSettled, ...piece })
    return
  }
  for (let offset = from; offset < to; offset += 1) {
    const isLost = window.retired.wasHandedOutAfter(offset, deliveries)
    pieces.push({ from: offset, to: offset + 1, outcome: isLost ? 'lost' : onSettled, ...piece })
  }
}
