/**
 * Redrives as a state machine: named tasks that bring dead letters back, and which letters were brought back already.
 *
 *   running ─▶ completed   everything up to the end that it saw when it was made, or its limit
 *           ─▶ cancelled   somebody said so
 *           ─▶ stopped     what it brought back kept failing
 *           ─▶ failed      it cannot go on; `error` says why
 */
import { BrokerError } from '../../kernel/errors.ts'
import { type StateMachine, strictJsonCodec } from '../../state/index.ts'
import type { DeathReason } from '../deadLetter.ts'
import { OffsetRanges } from './ranges.ts'

export interface RedriveFilter {
  readonly reason?: DeathReason | undefined
  readonly group?: string | undefined
  readonly key?: string | undefined
  /** Of the time at which it became a dead letter, in milliseconds since 1970: from … */
  readonly fromMs?: number | undefined
  /** … to, not included. */
  readonly toMs?: number | undefined
}

export type TaskState = 'running' | 'completed' | 'cancelled' | 'stopped' | 'failed'

export interface NewTask {
  readonly id: string
  /** The dead-letter topic. */
  readonly topic: string
  readonly topicId: number
  readonly filter: RedriveFilter
  /** Letters a second. */
  readonly rate: number
  readonly limit: number | undefined
  /** Counts and moves nothing. */
  readonly dryRun: boolean
  readonly createdAtMs: number
  /** By partition: where it begins and where it ends. */
  readonly positions: readonly number[]
  readonly ends: readonly number[]
  /** Names the task to the logs it appends to. */
  readonly producerId: number
}

export interface Task extends NewTask {
  readonly state: TaskState
  /** Letters that the filter let through. */
  readonly matched: number
  /** Of those: brought back. */
  readonly redriven: number
  /** Of those: dead letters again while the task ran. */
  readonly failedAgain: number
  readonly error: string | undefined
  readonly endedAtMs: number | undefined
  /** By `topic-partition` that it appends to: the sequence of the next append. */
  readonly sequences: Readonly<Record<string, number>>
}

export interface Progress {
  readonly id: string
  readonly partition: number
  /** Where the partition goes on. */
  readonly position: number
  readonly matched: number
  /** Offsets of letters brought back. */
  readonly redriven: readonly number[]
  /** Where they went: `topic-partition`, one for each. */
  readonly targets: readonly string[]
}

export type RedriveEvent =
  | { readonly type: 'created'; readonly task: NewTask }
  | ({ readonly type: 'progressed' } & Progress)
  | { readonly type: 'failedAgain'; readonly id: string }
  | {
      readonly type: 'ended'
      readonly id: string
      readonly state: TaskState
      readonly error: string | undefined
      readonly atMs: number
    }
  | { readonly type: 'forgotten'; readonly ids: readonly string[] }
  | { readonly type: 'topicGone'; readonly topicId: number }

/** What is asked of the machine; all of it is decided by the service, the machine only keeps it. */
export type RedriveCommand = readonly RedriveEvent[]

export interface RedriveSnapshot {
  readonly version: 1
  readonly tasks: readonly Task[]
  /** Topic id, partition, ranges. */
  readonly redriven: readonly (readonly [number, number, readonly number[]])[]
}

export class RedriveMachine
  implements StateMachine<RedriveCommand, RedriveEvent, undefined, RedriveSnapshot>
{
  readonly tasks = new Map<string, Task>()
  readonly #redriven = new Map<number, Map<number, OffsetRanges>>()

  isRedriven(topicId: number, partition: number, offset: number): boolean {
    return this.#redriven.get(topicId)?.get(partition)?.has(offset) ?? false
  }

  /** Letters of the topic that were brought back. */
  redrivenOf(topicId: number): number {
    let count = 0
    for (const ranges of this.#redriven.get(topicId)?.values() ?? []) count += ranges.size
    return count
  }

  get topicIds(): Iterable<number> {
    return this.#redriven.keys()
  }

  /** Throws TASK_NOT_FOUND. */
  task(id: string): Task {
    const task = this.tasks.get(id)
    if (task !== undefined) return task
    throw new BrokerError('TASK_NOT_FOUND', `there is no redrive ${id}`)
  }

  decide(events: RedriveCommand) {
    return { events, reply: undefined }
  }

  apply(event: RedriveEvent): void {
    switch (event.type) {
      case 'created':
        this.tasks.set(event.task.id, {
          ...event.task,
          state: 'running',
          matched: 0,
          redriven: 0,
          failedAgain: 0,
          error: undefined,
          endedAtMs: undefined,
          sequences: {},
        })
        return
      case 'progressed':
        this.#progressed(event)
        return
      case 'failedAgain':
        this.#change(event.id, ({ failedAgain }) => ({ failedAgain: failedAgain + 1 }))
        return
      case 'ended': {
        const { state, error, atMs } = event
        this.#change(event.id, () => ({ state, error, endedAtMs: atMs }))
        return
      }
      case 'forgotten':
        for (const id of event.ids) this.tasks.delete(id)
        return
      case 'topicGone':
        this.#redriven.delete(event.topicId)
        return
    }
  }

  snapshot(): RedriveSnapshot {
    const redriven = [...this.#redriven].flatMap(([topicId, partitions]) =>
      [...partitions].map(([partition, ranges]) => [topicId, partition, ranges.flat()] as const),
    )
    return { version: 1, tasks: [...this.tasks.values()], redriven }
  }

  restore({ tasks, redriven }: RedriveSnapshot): void {
    this.tasks.clear()
    this.#redriven.clear()
    for (const task of tasks) this.tasks.set(task.id, task)
    for (const [topicId, partition, flat] of redriven) {
      this.#partitionsOf(topicId).set(partition, new OffsetRanges(flat))
    }
  }

  #progressed({ id, partition, position, matched, redriven, targets }: Progress): void {
    const task = this.tasks.get(id)
    if (task === undefined) return
    const partitions = this.#partitionsOf(task.topicId)
    let ranges = partitions.get(partition)
    if (ranges === undefined) {
      ranges = new OffsetRanges()
      partitions.set(partition, ranges)
    }
    for (const offset of redriven) ranges.add(offset)
    const sequences = { ...task.sequences }
    for (const target of targets) sequences[target] = (sequences[target] ?? 0) + 1
    this.#change(id, (before) => ({
      positions: before.positions.map((each, p) => (p === partition ? position : each)),
      matched: before.matched + matched,
      redriven: before.redriven + redriven.length,
      sequences,
    }))
  }

  #partitionsOf(topicId: number): Map<number, OffsetRanges> {
    let partitions = this.#redriven.get(topicId)
    if (partitions === undefined) {
      partitions = new Map()
      this.#redriven.set(topicId, partitions)
    }
    return partitions
  }

  #change(id: string, change: (task: Task) => Partial<Task>): void {
    const task = this.tasks.get(id)
    if (task !== undefined) this.tasks.set(id, { ...task, ...change(task) })
  }
}

const EVENT_TYPES: Readonly<Record<RedriveEvent['type'], true>> = {
  created: true,
  progressed: true,
  failedAgain: true,
  ended: true,
  forgotten: true,
  topicGone: true,
}

export const redriveCodec = strictJsonCodec<RedriveEvent, RedriveSnapshot>(EVENT_TYPES, 1)
