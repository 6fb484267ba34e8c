/**
 * What became of what redrives have brought back, as far as it is known: enough to see that a redrive is of no use.
 * In memory only; after a restart it is learnt anew.
 */
import type { DeadLetter } from './letters.ts'

type IsSettled = (group: string, topic: string, partition: number, offset: number) => boolean

interface Pending {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

interface Known {
  readonly pending: Pending[]
  /** Settled, dead letters included. */
  settled: number
  failed: number
}

/** So many must have failed, and half of those of which the end is known. */
const FAILED_MIN = 10
const PENDING_MAX = 10_000

export class Outcomes {
  readonly #isSettled: IsSettled
  readonly #tasks = new Map<string, Known>()

  constructor(isSettled: IsSettled) {
    this.#isSettled = isSettled
  }

  /** A letter came back and lies at `offset` now. */
  add(task: string, { mark }: DeadLetter, offset: number): void {
    if (mark === undefined) return
    const known = this.#of(task)
    if (known.pending.length >= PENDING_MAX) known.pending.shift()
    const { topic, partition } = mark.record
    known.pending.push({ group: mark.group, topic, partition, offset })
  }

  /** Notes one more failure; true where the task should stop. */
  keepsFailing(task: string): boolean {
    const known = this.#of(task)
    known.failed += 1
    if (known.failed < FAILED_MIN) return false
    const left = known.pending.filter(
      ({ group, topic, partition, offset }) => !this.#isSettled(group, topic, partition, offset),
    )
    known.settled += known.pending.length - left.length
    known.pending.splice(0, known.pending.length, ...left)
    return known.failed * 2 >= known.settled
  }

  forget(task: string): void {
    this.#tasks.delete(task)
  }

  #of(task: string): Known {
    let known = this.#tasks.get(task)
    if (known === undefined) {
      known = { pending: [], settled: 0, failed: 0 }
      this.#tasks.set(task, known)
    }
    return known
  }
}
