/**
 * Closed loop: each connection sends the next request when the last was answered, so the server sets the pace.
 * Throughput is what was acknowledged between the end of the warm-up and the end of the turn.
 *
 * Every status is checked; the reply's count is checked on each connection's first response and every 64th after;
 * and at the end the topic must hold exactly what was acknowledged.
 */
import { percentile } from '../support/statistics.ts'
import { LeanConnection } from './connection.ts'
import { meterBusyAfter } from './processor.ts'
import { type PublishShape, publishRequest } from './requests.ts'
import { freshTopic, storedMessages } from './topic.ts'

export interface ClosedLoopJob extends PublishShape {
  readonly kind: 'closed-loop'
  readonly port: number
  readonly serverPid: number
  readonly connections: number
  /** Goes on with the topic as it is, and does not count what it holds. */
  readonly keepTopic?: boolean
  readonly warmupMs: number
  readonly turnMs: number
}

export interface ClosedLoopResult {
  readonly recordsPerSecond: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly clientBusy: number
  readonly serverBusy: number
  /** Processor time of the server, all threads: says more than the rate where others use the machine. */
  readonly serverMicrosPerRecord: number
}

const CHECK_EVERY = 64

/** How many records a reply acknowledges: the floor's `count`, the broker's results. */
export function acknowledged(body: Buffer, format: PublishShape['format']): number {
  const reply: unknown = JSON.parse(body.toString())
  if (typeof reply !== 'object' || reply === null) return 0
  if ('count' in reply && typeof reply.count === 'number') return reply.count
  if (!('results' in reply) || !Array.isArray(reply.results)) return 0
  if (format === 'json') return reply.results.length
  return reply.results.reduce((sum: number, run: { count?: number }) => sum + (run.count ?? 0), 0)
}

interface Window {
  readonly fromMs: number
  readonly untilMs: number
}

/** One connection's share of the load. Resolves when its last response has come. */
class Publisher {
  answered = 0
  answeredInWindow = 0
  readonly #latenciesMs: number[]
  readonly #job: ClosedLoopJob
  readonly #window: Window
  readonly #request: Buffer
  #connection: LeanConnection | undefined
  #sentMs = 0
  #done: () => void = () => {}
  #failed: (error: Error) => void = () => {}

  constructor(job: ClosedLoopJob, window: Window, seed: number, latenciesMs: number[]) {
    this.#job = job
    this.#window = window
    this.#latenciesMs = latenciesMs
    this.#request = publishRequest(job, seed)
  }

  async run(): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      this.#done = resolve
      this.#failed = reject
    })
    ended.catch(() => undefined)
    this.#connection = await LeanConnection.open({
      port: this.#job.port,
      onResponse: (status, body) => this.#answer(status, body),
      onFailure: (error) => this.#failed(error),
    })
    this.#sentMs = performance.now()
    this.#connection.send(this.#request)
    await ended
    this.#connection.close()
  }

  #answer(status: number, body: Buffer): void {
    const nowMs = performance.now()
    if (status !== 200) {
      this.#failed(new Error(`status ${status}: ${body.toString()}`))
      return
    }
    if (this.answered % CHECK_EVERY === 0) {
      const count = acknowledged(body, this.#job.format)
      if (count !== this.#job.batch) {
        this.#failed(new Error(`${count} of ${this.#job.batch} records acknowledged`))
        return
      }
    }
    this.answered += 1
    if (nowMs >= this.#window.fromMs && nowMs <= this.#window.untilMs) {
      this.answeredInWindow += 1
      this.#latenciesMs.push(nowMs - this.#sentMs)
    }
    if (nowMs >= this.#window.untilMs) {
      this.#done()
      return
    }
    this.#sentMs = nowMs
    this.#connection?.send(this.#request)
  }
}

export async function runClosedLoop(job: ClosedLoopJob): Promise<ClosedLoopResult> {
  if (!job.keepTopic) await freshTopic(job.port)
  const latenciesMs: number[] = []
  const startMs = performance.now()
  const window = { fromMs: startMs + job.warmupMs, untilMs: startMs + job.warmupMs + job.turnMs }
  const publishers = Array.from(
    { length: job.connections },
    (_, seed) => new Publisher(job, window, seed, latenciesMs),
  )
  const busy = meterBusyAfter(job.warmupMs, job.serverPid)
  await Promise.all(publishers.map((publisher) => publisher.run()))
  const shares = busy.read()
  if (!job.keepTopic) await expectStored(job, publishers)
  const requests = publishers.reduce((sum, publisher) => sum + publisher.answeredInWindow, 0)
  const sorted = Float64Array.from(latenciesMs).sort()
  const seconds = job.turnMs / 1_000
  return {
    recordsPerSecond: (requests * job.batch) / seconds,
    requestsPerSecond: requests / seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    clientBusy: shares.client,
    serverBusy: shares.server,
    serverMicrosPerRecord: (shares.serverMs * 1_000) / Math.max(1, requests * job.batch),
  }
}

async function expectStored(job: ClosedLoopJob, publishers: readonly Publisher[]): Promise<void> {
  const sent = publishers.reduce((sum, publisher) => sum + publisher.answered, 0) * job.batch
  const stored = await storedMessages(job.port)
  if (stored !== sent) throw new Error(`${sent} records acknowledged, ${stored} stored`)
}
