/** Gathers what failed in one window: what is handed out again and when, and what was tried often enough. */
import { isDeadLetterTopic } from '../deadLetterTopic.ts'
import type { Outcome, WindowEvent } from './events.ts'
import { backoffMs, type DeliveryPolicy } from './policy.ts'
import type { Cause, RunId } from './run.ts'
import type { Window } from './window.ts'
import type { World } from './world.ts'

export interface Failing {
  readonly cause: Cause
  readonly error: string
  /** Undefined: as the policy says. */
  readonly delayMs?: number | undefined
}

export interface Failed {
  readonly outcome: Outcome
  readonly dueMs: number
}

export class Failures {
  readonly #world: World
  readonly #window: Window
  readonly #failing: Failing
  readonly #policy: DeliveryPolicy
  readonly #waits: number[] = []
  readonly #dying: number[] = []
  /** By the number of failures: what failed together comes back together. */
  readonly #dueMs = new Map<number, number>()

  constructor(world: World, window: Window, failing: Failing) {
    this.#world = world
    this.#window = window
    this.#failing = failing
    this.#policy = world.state.policyOf(window.group.name, window.topic)
  }

  /** Notes a part of a run; those of a lane come in ascending order. */
  add(run: RunId, from: number, to: number): Failed {
    const { table } = this.#window
    const failures = table.failures(run) + 1
    const lane = table.lane(run)
    if (this.#failing.cause === 'rejected' || failures > this.#policy.maxRetries) {
      this.#dying.push(lane, from, to)
      return { outcome: 'dead', dueMs: 0 }
    }
    const dueMs = this.#due(failures)
    this.#waits.push(lane, from, to, dueMs)
    return { outcome: 'requeued', dueMs }
  }

  events(): WindowEvent[] {
    const { cause, error } = this.#failing
    const { nowMs: atMs } = this.#world
    const window = this.#window.id
    const events: WindowEvent[] = []
    if (this.#waits.length > 0) {
      events.push({ type: 'failed', window, cause, error, atMs, waits: this.#waits })
    }
    const ranges = this.#dying
    if (ranges.length === 0) return events
    // What fails among the dead letters stays what it is: a dead letter.
    if (isDeadLetterTopic(this.#window.topic)) {
      events.push({ type: 'settled', window, by: 'discarded', ranges })
    } else events.push({ type: 'dying', window, cause, error, atMs, ranges })
    return events
  }

  #due(failures: number): number {
    const { nowMs, random } = this.#world
    const { delayMs } = this.#failing
    if (delayMs !== undefined) return nowMs + delayMs
    let dueMs = this.#dueMs.get(failures)
    if (dueMs === undefined) {
      dueMs = nowMs + backoffMs(this.#policy, failures, random())
      this.#dueMs.set(failures, dueMs)
    }
    return dueMs
  }
}
