/**
 * What a worker says of records that it was handed, or the broker in its place: acked, failed, to be held longer,
 * never arrived.
 *
 * The nonce decides: a run remembers its last hand-out also after that has expired, so that a worker who comes late but
 * before anybody else is still heard.
 */

import { ANY_LANE, type WindowEvent } from './events.ts'
import { Failures } from './failures.ts'
import { Hearing, type Judge, type Verdict } from './hearing.ts'
import { LEASE_MS_MAX } from './policy.ts'
import { RUN } from './run.ts'
import type { Window } from './window.ts'
import { type CommandOf, type Decided, type World, windowOf } from './world.ts'

type Said = CommandOf<'ack' | 'nack' | 'reject' | 'extend' | 'takeBack' | 'pass'>

interface Saying extends Judge {
  readonly events: () => WindowEvent[]
}

export function decideReceipts(world: World, said: Said): Decided {
  const window = windowOf(world.state, said.window)
  const { onRun, onSettled, events } = sayingOf(world, window, said)
  const hearing = new Hearing(window, said, { onRun, onSettled })
  hearing.hear(said.lane ?? ANY_LANE, said.from, said.to)
  if (said.kind === 'ack' && said.also !== undefined) {
    const { also } = said
    for (let i = 0; i + 2 < also.length; i += 3) {
      hearing.hear(also[i] as number, also[i + 1] as number, also[i + 2] as number)
    }
  }
  return { events: events(), reply: { window: window.id, pieces: hearing.pieces } }
}

function sayingOf(world: World, window: Window, said: Said): Saying {
  if (said.kind === 'ack') return settling(window, 'ack', true)
  if (said.kind === 'pass') return settling(window, 'passed', false)
  if (said.kind === 'extend') return extending(world, window, said.timeoutMs)
  if (said.kind === 'takeBack') return takingBack(window)
  return failing(world, window, said)
}

const DONE: Verdict = { outcome: 'done', dueMs: 0 }
const LOST: Verdict = { outcome: 'lost', dueMs: 0 }

function settling(window: Window, by: 'ack' | 'passed', alsoExpired: boolean): Saying {
  const { table } = window
  const ranges: number[] = []
  return {
    onRun: (run, from, to) => {
      const state = table.state(run)
      if (state !== RUN.LEASED && (state !== RUN.WAITING || !alsoExpired)) return LOST
      add(ranges, table.lane(run), from, to)
      return DONE
    },
    onSettled: 'done',
    events: () => (ranges.length === 0 ? [] : [{ type: 'settled', window: window.id, by, ranges }]),
  }
}

function failing(world: World, window: Window, said: CommandOf<'nack' | 'reject'>): Saying {
  const { table } = window
  const delayMs = said.kind === 'nack' ? said.delayMs : undefined
  const cause = said.kind === 'nack' ? 'nack' : 'rejected'
  const failures = new Failures(world, window, { cause, error: said.error, delayMs })
  return {
    onRun: (run, from, to) => {
      const state = table.state(run)
      if (state === RUN.DYING) return { outcome: 'dead', dueMs: 0 }
      // It has failed already, by its time: once is enough.
      const isBack = state === RUN.WAITING && cause === 'nack'
      if (isBack) return { outcome: 'requeued', dueMs: table.dueMs[run] as number }
      return failures.add(run, from, to)
    },
    onSettled: 'lost',
    events: () => failures.events(),
  }
}

function extending({ nowMs }: World, window: Window, timeoutMs: number): Saying {
  const { table } = window
  const byDeadline = new Map<number, number[]>()
  return {
    onRun: (run, from, to) => {
      if (table.state(run) !== RUN.LEASED) return LOST
      const dueMs = Math.min(nowMs + timeoutMs, table.leasedMs(run) + LEASE_MS_MAX)
      const ranges = byDeadline.get(dueMs) ?? []
      add(ranges, table.lane(run), from, to)
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
  const { table } = window
  const ranges: number[] = []
  return {
    onRun: (run, from, to) => {
      if (table.state(run) !== RUN.LEASED) return LOST
      add(ranges, table.lane(run), from, to)
      return DONE
    },
    onSettled: 'lost',
    events: () =>
      ranges.length === 0 ? [] : [{ type: 'released', window: window.id, takenBack: true, ranges }],
  }
}

/** Neighbours become one range. */
function add(ranges: number[], lane: number, from: number, to: number): void {
  const last = ranges.length - 1
  if (last > 0 && ranges[last] === from && ranges[last - 2] === lane) ranges[last] = to
  else ranges.push(lane, from, to)
}
