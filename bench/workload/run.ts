/**
 * One workload: a daemon with a fresh directory, a process that publishes, a process that reads.
 *
 *   topics ─▶ readers join ─▶ publishers ─▶ warm-up ─▶ periods … ─▶ publishers stop ─▶ result
 *                                                        └ with a backlog: readers stand still until it is there,
 *                                                          drain it, and the test's own length begins then
 */
import { loadavg } from 'node:os'
import { Client, type ClientAcks } from '../../src/client/index.ts'
import { GiB, MINUTE_MS, SECOND_MS } from '../../src/kernel/units.ts'
import { removeDirectory, temporaryDirectory } from '../support/children.ts'
import { currentCommit } from '../support/commit.ts'
import { formatNumber } from '../support/format.ts'
import { describeMachine } from '../support/machine.ts'
import { pause } from '../support/pause.ts'
import type { Progress } from '../support/progress.ts'
import { startDaemon } from '../support/servers.ts'
import { Worker } from '../support/worker.ts'
import { UNLIMITED_RATE, type Workload } from './file.ts'
import type { PublisherJobs, SubscriberJobs } from './jobs.ts'
import type { Payload } from './payload.ts'
import { type Period, type WorkloadResult, workloadResult } from './result.ts'
import { periodText } from './table.ts'

export interface WorkloadRun {
  readonly workload: Workload
  readonly payload: Payload
  readonly acks: ClientAcks
  readonly progress: Progress
  readonly notes: readonly string[]
}

/** Longest period that has figures of its own. */
const PERIOD_MS_MAX = 10 * SECOND_MS
/** A short test has this many all the same. */
const PERIODS_MIN = 5
const LOOK_MS = 100
const START_MS_MAX = 5 * MINUTE_MS
const ANSWER_MS_MAX = 2 * MINUTE_MS
/** A backlog is drained when no more is left, whatever its share. */
const DRAINED_MESSAGES = 1_000
/** Where publishers are to be no faster than readers: what readers may be behind. */
const BEHIND_MESSAGES_MAX = 10_000

/** What both processes have done since they were opened. */
interface Totals {
  readonly published: number
  readonly received: number
}

class WorkloadSite {
  readonly #workload: Workload
  readonly #run: WorkloadRun
  readonly publishing = new Worker<PublisherJobs>({ script: 'workload/main.js' })
  readonly reading = new Worker<SubscriberJobs>({ script: 'workload/main.js' })
  readonly #periods: Period[] = []
  #last = { published: 0, received: 0, errors: 0, atMs: 0 }

  constructor(run: WorkloadRun) {
    this.#run = run
    this.#workload = run.workload
  }

  get periods(): readonly Period[] {
    return this.#periods
  }

  async open(url: string): Promise<void> {
    const { topics: count, partitionsPerTopic: partitions } = this.#workload
    const topics = Array.from({ length: count }, (_, i) => `workload-${i}`)
    const client = new Client({ url })
    for (const name of topics) await client.admin.createTopic({ name, partitions })
    await client.close()
    const { subscriptionsPerTopic, consumerPerSubscription } = this.#workload
    await this.reading.run<'open subscribers'>(
      { kind: 'open subscribers', url, topics, subscriptionsPerTopic, consumerPerSubscription },
      START_MS_MAX,
    )
    const { producersPerTopic, keyDistributor } = this.#workload
    const { payload, acks } = this.#run
    await this.publishing.run<'open publishers'>(
      { kind: 'open publishers', url, topics, producersPerTopic, keyDistributor, payload, acks },
      START_MS_MAX,
    )
  }

  async start(): Promise<void> {
    const { producerRate } = this.#workload
    const isLimited = producerRate > 0 && producerRate < UNLIMITED_RATE
    const perSecond = isLimited ? producerRate : undefined
    await this.publishing.run<'publish'>({ kind: 'publish', perSecond }, ANSWER_MS_MAX)
  }

  /** Forgets latencies and begins the first period. */
  async reset(): Promise<void> {
    await this.publishing.run<'reset published'>({ kind: 'reset published' }, ANSWER_MS_MAX)
    await this.reading.run<'reset received'>({ kind: 'reset received' }, ANSWER_MS_MAX)
    const { published, received } = await this.look()
    this.#last = { published, received, errors: 0, atMs: performance.now() }
  }

  async look(): Promise<Totals> {
    const [published, received] = await Promise.all([
      this.publishing.run<'look at published'>({ kind: 'look at published' }, ANSWER_MS_MAX),
      this.reading.run<'look at received'>({ kind: 'look at received' }, ANSWER_MS_MAX),
    ])
    return { published: published.messages, received: received.messages }
  }

  async takePeriod(): Promise<void> {
    const [published, received] = await Promise.all([
      this.publishing.run<'take published'>({ kind: 'take published' }, ANSWER_MS_MAX),
      this.reading.run<'take received'>({ kind: 'take received' }, ANSWER_MS_MAX),
    ])
    const nowMs = performance.now()
    const last = this.#last
    const period: Period = {
      seconds: (nowMs - last.atMs) / SECOND_MS,
      ...{ published, received },
      publishedBefore: last.published,
      receivedBefore: last.received,
      errorsBefore: last.errors,
    }
    this.#periods.push(period)
    const { messages, errors } = published
    this.#last = { published: messages, received: received.messages, errors, atMs: nowMs }
    this.#run.progress.step(periodText(this.#workload, period))
  }

  /** Until `isOver` says so, a period after the other; publishers are held back where the file asks for balance. */
  async watch(periodMs: number, isOver: (totals: Totals) => boolean): Promise<void> {
    const isBalanced = this.#workload.producerRate === 0
    let endMs = performance.now() + periodMs
    let isHeld = false
    for (;;) {
      await pause(Math.min(LOOK_MS, Math.max(0, endMs - performance.now())))
      const totals = await this.look()
      if (isBalanced) {
        const isBehind = this.backlog(totals) > BEHIND_MESSAGES_MAX
        if (isBehind !== isHeld) {
          isHeld = isBehind
          await this.publishing.run<'hold'>({ kind: 'hold', isHeld }, ANSWER_MS_MAX)
        }
      }
      if (performance.now() >= endMs) {
        endMs += periodMs
        await this.takePeriod()
      }
      if (isOver(totals)) return
    }
  }

  backlog({ published, received }: Totals): number {
    return this.#workload.subscriptionsPerTopic * published - received
  }

  async close(): Promise<void> {
    await Promise.all([this.publishing.close(), this.reading.close()])
  }
}

/** Readers stand still until the backlog is there; resolves with how many seconds they took to catch up. */
async function buildAndDrain(
  site: WorkloadSite,
  workload: Workload,
  periodMs: number,
): Promise<number> {
  const messages = (workload.consumerBacklogSizeGB * GiB) / workload.messageSize
  const left = Math.max(DRAINED_MESSAGES, (1 - workload.backlogDrainRatio) * messages)
  await site.reading.run<'pause'>({ kind: 'pause' }, ANSWER_MS_MAX)
  await site.watch(periodMs, (totals) => site.backlog(totals) >= messages)
  await site.reading.run<'resume'>({ kind: 'resume' }, ANSWER_MS_MAX)
  const fromMs = performance.now()
  await site.watch(periodMs, (totals) => site.backlog(totals) <= left)
  return (performance.now() - fromMs) / SECOND_MS
}

const after = (ms: number): (() => boolean) => {
  const untilMs = performance.now() + ms
  return () => performance.now() >= untilMs
}

export async function runWorkload(run: WorkloadRun): Promise<WorkloadResult> {
  const { workload, acks, notes, progress } = run
  const head = { startedAt: new Date().toISOString(), commit: currentCommit() }
  const loadBefore = loadavg()[0] ?? Number.NaN
  const directory = temporaryDirectory('workload')
  const server = await startDaemon({ directory })
  const site = new WorkloadSite(run)
  try {
    await site.open(`http://127.0.0.1:${server.port}`)
    const testMs = workload.testDurationMinutes * MINUTE_MS
    const periodMs = Math.min(PERIOD_MS_MAX, testMs / PERIODS_MIN)
    await site.start()
    const startMs = performance.now()
    progress.step(`warm-up of ${formatNumber(workload.warmupDurationMinutes)} min`)
    await pause(workload.warmupDurationMinutes * MINUTE_MS)
    await site.reset()
    const hasBacklog = workload.consumerBacklogSizeGB > 0
    const drainSeconds = hasBacklog ? await buildAndDrain(site, workload, periodMs) : undefined
    await site.watch(periodMs, after(testMs))
    if (site.periods.length === 0) await site.takePeriod()
    const seconds = (performance.now() - startMs) / SECOND_MS
    const published = await site.publishing.run<'stop publishing'>(
      { kind: 'stop publishing' },
      ANSWER_MS_MAX,
    )
    const received = await site.reading.run<'total received'>(
      { kind: 'total received' },
      ANSWER_MS_MAX,
    )
    return workloadResult(workload, {
      periods: site.periods,
      ...{ published, received },
      run: {
        ...head,
        ...{ machine: describeMachine(), loadBefore, acks, notes, seconds },
        periodSeconds: periodMs / SECOND_MS,
        published: published.messages,
        received: received.messages,
        ...(drainSeconds === undefined ? {} : { drainSeconds }),
      },
    })
  } finally {
    await site.close()
    await server.stop()
    removeDirectory(directory)
  }
}
