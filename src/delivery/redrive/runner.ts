/**
 * Carries one redrive through: reads the dead letters in their order, appends those that the filter lets through where
 * they died, and notes each step after it.
 *
 * A few appends are under way at once, no more than a log remembers of a producer; each has its sequence, so that a step
 * that was done and not noted before a crash is found to be done when it is tried again.
 */
import { BrokerError } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/platform.ts'
import { offset, SECOND_MS } from '../../kernel/units.ts'
import { decodeRecords } from '../../record/index.ts'
import type { Topic, Topics } from '../../topics/index.ts'
import { comebackBatch, targetOf } from './comeback.ts'
import { type DeadLetter, letterOf, matches } from './letters.ts'
import type { Progress, RedriveMachine, Task } from './machine.ts'

export interface RunOptions {
  readonly machine: RedriveMachine
  readonly topics: Topics
  readonly clock: Clock
  /** Resolves when it is durable. */
  readonly note: (progress: Progress) => Promise<void>
  /** A record came back; `next` is the end of its partition's log behind it. */
  readonly onBack: (letter: DeadLetter, offset: number) => void
  readonly isStopped: () => boolean
  /** Resolves after that time, or as soon as the broker stops. */
  readonly pause: (ms: number) => Promise<void>
}

const DEPTH = 4
const CHUNK = { maxBytes: 256 * 1024, maxRecords: 500 }

/** Resolves with true when the task has nothing left to do, with false when it was ended meanwhile. */
export async function runTask(id: string, options: RunOptions): Promise<boolean> {
  const run = new Run(id, options)
  for (const partition of run.task.positions.keys()) {
    if (!(await run.runPartition(partition))) return !run.isEnded && run.isFull
  }
  return true
}

class Run {
  readonly #id: string
  readonly #options: RunOptions
  #nextMs: number

  constructor(id: string, options: RunOptions) {
    this.#id = id
    this.#options = options
    this.#nextMs = options.clock.monotonicMs()
  }

  get task(): Task {
    return this.#options.machine.task(this.#id)
  }

  get isEnded(): boolean {
    return this.#options.isStopped() || this.task.state !== 'running'
  }

  get isFull(): boolean {
    const { limit, matched } = this.task
    return limit !== undefined && matched >= limit
  }

  /** False where there is nothing more to do, or the task was ended. */
  async runPartition(p: number): Promise<boolean> {
    const topic = this.#topic()
    const end = this.task.ends[p] ?? 0
    for (;;) {
      if (this.isEnded || this.isFull) return false
      const log = topic.partition(p)
      const at = Math.max(this.task.positions[p] ?? 0, log.offsets().start)
      if (at >= end) return true
      const { bytes, nextOffset } = await log.read(offset(at), CHUNK)
      const letters = [...decodeRecords(bytes)]
        .filter((record) => record.offset < end)
        .map((record) => letterOf(p, record))
      if (!(await this.#bringBack(p, letters, Math.min(nextOffset, end)))) return false
    }
  }

  #topic(): Topic {
    const { topic, topicId } = this.task
    const found = this.#options.topics.get(topic)
    if (found.id === topicId) return found
    throw new BrokerError('TOPIC_NOT_FOUND', `topic ${topic} is another one by now`)
  }

  async #bringBack(p: number, letters: readonly DeadLetter[], end: number): Promise<boolean> {
    const { machine } = this.#options
    const { filter, topicId } = this.task
    const wanted = letters.filter(
      (letter) => matches(filter, letter) && !machine.isRedriven(topicId, p, letter.offset),
    )
    for (let i = 0; i < wanted.length; i += DEPTH) {
      const room = (this.task.limit ?? Number.POSITIVE_INFINITY) - this.task.matched
      if (this.isEnded || room <= 0) return false
      await this.#step(p, wanted.slice(i, Math.min(i + DEPTH, i + room)))
    }
    if (this.isEnded || this.isFull) return false
    await this.#options.note({ ...this.#nothing(p), position: end })
    return true
  }

  readonly #nothing = (partition: number): Progress => ({
    id: this.#id,
    partition,
    position: 0,
    matched: 0,
    redriven: [],
    targets: [],
  })

  async #step(p: number, letters: readonly DeadLetter[]): Promise<void> {
    const last = letters.at(-1)
    if (last === undefined) return
    const progress = { ...this.#nothing(p), position: last.offset + 1, matched: letters.length }
    if (this.task.dryRun) {
      await this.#options.note(progress)
      return
    }
    await this.#pace(letters.length)
    if (this.isEnded) return
    const sequences: Record<string, number> = { ...this.task.sequences }
    const backs = letters.flatMap((letter) => {
      // What somebody else has put there came from nowhere.
      if (letter.mark === undefined) return []
      const target = targetOf(letter.mark)
      const sequence = sequences[target] ?? 0
      sequences[target] = sequence + 1
      return [{ letter, target, append: this.#append(letter, sequence) }]
    })
    const settled = await Promise.allSettled(backs.map(({ append }) => append))
    for (const each of settled) if (each.status === 'rejected') throw each.reason
    await this.#options.note({
      ...progress,
      redriven: backs.map(({ letter }) => letter.offset),
      targets: backs.map(({ target }) => target),
    })
  }

  async #append(letter: DeadLetter, sequence: number): Promise<void> {
    const { mark } = letter
    if (mark === undefined) return
    const { task } = this
    const { topic, partition } = mark.record
    const target = this.#options.topics.get(topic).partition(partition)
    const batch = comebackBatch(letter, mark, { task, sequence: sequence % 2 ** 32 })
    const producer = { producerId: task.producerId, epoch: 0, baseSequence: sequence % 2 ** 32 }
    const { result } = await target.appendOnce(batch, 'all', producer)
    this.#options.onBack(letter, result.baseOffset)
  }

  async #pace(count: number): Promise<void> {
    const { clock } = this.#options
    const nowMs = clock.monotonicMs()
    const waitMs = this.#nextMs - nowMs
    this.#nextMs = Math.max(this.#nextMs, nowMs) + (count * SECOND_MS) / this.task.rate
    if (waitMs > 0) await this.#options.pause(Math.ceil(waitMs))
  }
}
