/** Redrives of the broker: made, run in the background, listed, cancelled; those that a crash cut short go on. */

import { BrokerError } from '../../kernel/errors.ts'
import type { HealthCheck } from '../../kernel/health.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Platform } from '../../kernel/platform.ts'
import { Service } from '../../kernel/service.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import { StateRunner } from '../../state/index.ts'
import type { Topic, Topics, TopicsOptions } from '../../topics/index.ts'
import { deadLetterTopicOf, isDeadLetterTopic } from '../deadLetterTopic.ts'
import { type LetterPage, type LetterQuery, listLetters } from './letters.ts'
import {
  type Progress,
  type RedriveCommand,
  type RedriveEvent,
  type RedriveFilter,
  RedriveMachine,
  type RedriveSnapshot,
  redriveCodec,
  type Task,
  type TaskState,
} from './machine.ts'
import { Outcomes } from './outcomes.ts'
import { runTask } from './runner.ts'

export interface RedriveRequest {
  /** The topic, or its dead-letter topic. */
  readonly topic: string
  readonly filter: RedriveFilter
  /** Letters a second. Default 100. */
  readonly rate?: number | undefined
  readonly limit?: number | undefined
  readonly dryRun: boolean
}

export interface RedrivesOptions {
  readonly engine: TopicsOptions['engine']
  readonly platform: Platform
  readonly topics: Topics
  /** True where the group is done with the record. */
  readonly isSettled: (group: string, topic: string, partition: number, offset: number) => boolean
  /** Resolves when what is dying of the topic has become dead letters, or takes too long. */
  readonly buried: (topic: string) => Promise<void>
}

const RUNNING_MAX = 100
const RETRY_MS = 1 * SECOND_MS
const ENDED_KEPT = 100
const PRODUCER_IDS = 2 ** 51

export class Redrives extends Service {
  readonly #options: RedrivesOptions
  readonly #machine = new RedriveMachine()
  readonly #runner: StateRunner<RedriveCommand, RedriveEvent, undefined, RedriveSnapshot>
  readonly #running = new Map<string, Promise<void>>()
  readonly #outcomes: Outcomes
  /** Ends of the pauses that tasks make. */
  readonly #pauses = new Set<() => void>()
  #isStopped = false

  constructor(options: RedrivesOptions) {
    super()
    const { engine, platform } = options
    this.#options = options
    this.#outcomes = new Outcomes(options.isSettled)
    this.#runner = new StateRunner({
      name: 'redrives',
      machine: this.#machine,
      codec: redriveCodec,
      engine,
      platform,
      acks: 'all',
    })
  }

  get runningCount(): number {
    return this.#running.size
  }

  /** Dead letters that nobody has brought back, and how many were. */
  figures(): { readonly deadLetters: number; readonly redriven: number } {
    let [deadLetters, redriven] = [0, 0]
    for (const name of this.#options.topics.names()) {
      if (!isDeadLetterTopic(name)) continue
      const topic = this.#options.topics.get(name)
      const back = this.#machine.redrivenOf(topic.id)
      let count = 0
      for (const { earliest, latest } of topic.view().partitions) count += latest - earliest
      redriven += back
      deadLetters += Math.max(0, count - back)
    }
    return { deadLetters, redriven }
  }

  /**
   * What was rejected before the call is among them, unless the disk is slow. None where there is no dead-letter topic.
   * Rejects with TOPIC_NOT_FOUND where there is no topic either.
   */
  async list(topic: string, query: LetterQuery): Promise<LetterPage> {
    await this.#options.buried(topic)
    const letters = this.#find(topic)
    if (letters === undefined) return { letters: [], positions: [] }
    return await listLetters(letters, this.#machine, query)
  }

  /** Resolves with the task when it is on disk; it runs on by itself. Rejects with TOPIC_NOT_FOUND or LIMIT_REACHED. */
  async redrive(request: RedriveRequest): Promise<Task> {
    const { platform, topics } = this.#options
    await this.#options.buried(request.topic)
    const topic = this.#find(request.topic) ?? topics.get(deadLetterTopicOf(request.topic))
    if (this.#running.size >= RUNNING_MAX) {
      throw new BrokerError('LIMIT_REACHED', `${RUNNING_MAX} redrives are under way`)
    }
    const isRunning = (task: Task): boolean => task.state === 'running' && !task.dryRun
    const other = this.tasks(request.topic).find(isRunning)
    if (other !== undefined && !request.dryRun) {
      throw new BrokerError('LIMIT_REACHED', `${other.id} is under way: one redrive at a time`)
    }
    const { filter, rate = LIMITS.redriveRateDefault, limit, dryRun } = request
    const offsets = topic.partitions.map((partition) => partition.offsets())
    const id = this.#newId()
    const task = {
      id,
      topic: topic.name,
      topicId: topic.id,
      filter,
      rate,
      limit,
      dryRun,
      createdAtMs: platform.clock.nowMs(),
      positions: offsets.map(({ start }) => start),
      ends: offsets.map(({ next }) => next),
      producerId: 1 + Math.floor(platform.random() * PRODUCER_IDS),
    }
    await this.#runner.submit([...this.#forgetOld(), { type: 'created', task }])
    this.#run(id)
    return this.#machine.task(id)
  }

  /** Newest first. Rejects with TOPIC_NOT_FOUND. */
  tasks(topic: string): readonly Task[] {
    this.#find(topic)
    const name = deadLetterTopicOf(topic)
    return [...this.#machine.tasks.values()].filter((task) => task.topic === name).reverse()
  }

  /** Throws TASK_NOT_FOUND. */
  task(topic: string, id: string): Task {
    const task = this.#machine.task(id)
    if (task.topic === deadLetterTopicOf(topic)) return task
    throw new BrokerError('TASK_NOT_FOUND', `there is no redrive ${id} of ${topic}`)
  }

  /** Resolves when the task has ended; one that had ended before is as it was. Rejects with TASK_NOT_FOUND. */
  async cancel(topic: string, id: string): Promise<Task> {
    if (this.task(topic, id).state === 'running') await this.#end(id, 'cancelled')
    return this.#machine.task(id)
  }

  /** Something that a task has brought back is a dead letter again. */
  failedAgain(id: string): void {
    const task = this.#machine.tasks.get(id)
    if (task?.state !== 'running' || this.#isStopped) return
    this.#runner.execute([{ type: 'failedAgain', id }])
    if (!this.#outcomes.keepsFailing(id)) return
    void this.#end(id, 'stopped', 'what it brings back keeps failing').catch(() => undefined)
  }

  health(): HealthCheck {
    return { ...this.#runner.health(), name: 'redrives' }
  }

  protected async onStart(): Promise<void> {
    await this.#runner.start()
    const ids = new Set(
      this.#options.topics.names().map((name) => this.#options.topics.get(name).id),
    )
    const gone = [...this.#machine.topicIds].filter((id) => !ids.has(id))
    if (gone.length > 0) {
      this.#runner.execute(gone.map((topicId) => ({ type: 'topicGone', topicId })))
    }
    for (const { id, state } of this.#machine.tasks.values()) if (state === 'running') this.#run(id)
  }

  protected async onStop(): Promise<void> {
    this.#isStopped = true
    for (const wake of [...this.#pauses]) wake()
    await Promise.all(this.#running.values())
    await this.#runner.stop()
  }

  #pause(ms: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.#options.platform.clock.setTimer(ms, () => wake())
      const wake = (): void => {
        this.#pauses.delete(wake)
        timer.cancel()
        resolve()
      }
      this.#pauses.add(wake)
    })
  }

  #run(id: string): void {
    const { platform } = this.#options
    const work = this.#carryThrough(id)
      .then(async (isDone) => {
        if (isDone) await this.#end(id, 'completed')
      })
      .catch(async (error: unknown) => {
        if (this.#isStopped) return
        const why = error instanceof Error ? error.message : String(error)
        platform.logger.error({ task: id, error }, 'redrive failed')
        await this.#end(id, 'failed', why).catch(() => undefined)
      })
      .finally(() => {
        this.#running.delete(id)
        this.#outcomes.forget(id)
      })
    this.#running.set(id, work)
  }

  /** What may succeed later is tried again later: each step is taken once, however often it is tried. */
  async #carryThrough(id: string): Promise<boolean> {
    const { topics, platform } = this.#options
    for (;;) {
      try {
        return await runTask(id, {
          machine: this.#machine,
          topics,
          clock: platform.clock,
          note: (progress) => this.#note(progress),
          onBack: (letter, offset) => this.#outcomes.add(id, letter, offset),
          isStopped: () => this.#isStopped,
          pause: (ms) => this.#pause(ms),
        })
      } catch (error) {
        if (this.#isStopped || !(error instanceof BrokerError) || !error.retryable) throw error
        platform.logger.warn({ task: id, error }, 'redrive waits')
        await this.#pause(RETRY_MS)
      }
    }
  }

  async #note(progress: Progress): Promise<void> {
    // On the disk: more steps in doubt than a log remembers of a producer could be taken twice.
    await this.#runner.submit([{ type: 'progressed', ...progress }], 'all')
  }

  async #end(id: string, state: TaskState, error?: string): Promise<void> {
    if (this.#machine.task(id).state !== 'running') return
    const atMs = this.#options.platform.clock.nowMs()
    await this.#runner.submit([{ type: 'ended', id, state, error, atMs }])
    this.#options.platform.logger.info({ task: id, state, error }, 'redrive ended')
  }

  /** The dead-letter topic; undefined where it was never needed. Throws TOPIC_NOT_FOUND where there is no topic. */
  #find(name: string): Topic | undefined {
    const { topics } = this.#options
    const found = topics.find(deadLetterTopicOf(name))
    if (found === undefined) topics.get(name)
    return found
  }

  #forgetOld(): RedriveEvent[] {
    const ended = [...this.#machine.tasks.values()].filter(({ state }) => state !== 'running')
    const ids = ended.slice(0, Math.max(0, ended.length - ENDED_KEPT)).map(({ id }) => id)
    return ids.length === 0 ? [] : [{ type: 'forgotten', ids }]
  }

  #newId(): string {
    const { random } = this.#options.platform
    let digits = ''
    while (digits.length < 12) digits += Math.floor(random() * 16).toString(16)
    return `redrive-${digits}`
  }
}
