/**
 * One worker of the SDK leases and acknowledges what lies in a topic, with a handler that does nothing. A message counts
 * once the broker has confirmed its ack. Each turn is a new group, so the whole topic is there again.
 *
 * Beside it, where asked for, raw batches are published to the same topic at a fixed rate: each is due at its time
 * whatever the broker does, over connections of their own.
 */
import { Connection, Worker, type WorkOutcome } from '../../src/client/index.ts'
import { LeanConnection } from './connection.ts'
import { meterBusy } from './processor.ts'
import { publishRequest, TOPIC } from './requests.ts'

export interface WorkingJob {
  readonly kind: 'working'
  readonly port: number
  readonly serverPid: number
  /** Handlers at once, and as many messages waiting for one. */
  readonly concurrency: number
  /** Messages to acknowledge, all of them there. */
  readonly records: number
  /** Of them warm-up. */
  readonly warmupRecords: number
  /** Records published a second meanwhile; 0 for none. */
  readonly besidePerSecond: number
}

export interface WorkingResult {
  readonly recordsPerSecond: number
  /** Records published meanwhile, a second. */
  readonly publishedPerSecond: number
  readonly clientBusy: number
  readonly serverBusy: number
}

const BESIDE = { format: 'raw', batch: 100, valueBytes: 100, acks: 'leader' } as const
const BESIDE_CONNECTIONS = 16
let groups = 0

export async function runWorking(job: WorkingJob): Promise<WorkingResult> {
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  const beside = job.besidePerSecond > 0 ? await Beside.open(job) : undefined
  groups += 1
  const clock = { startMs: 0, endMs: 0, acked: 0, published: 0 }
  let meter = meterBusy(job.serverPid)
  let finished: () => void = () => undefined
  const isFinished = new Promise<void>((resolve) => {
    finished = resolve
  })
  const worker = new Worker(connection, {
    group: `working-${process.pid}-${groups}`,
    topics: [TOPIC],
    concurrency: job.concurrency,
    handler: () => undefined,
    onOutcome: ({ outcome, offset }: WorkOutcome) => {
      if (outcome !== 'acked') throw new Error(`offset ${offset} is ${outcome}`)
      clock.acked += 1
      if (clock.acked === job.warmupRecords) {
        clock.startMs = performance.now()
        clock.published = beside?.published ?? 0
        meter = meterBusy(job.serverPid)
      }
      if (clock.acked !== job.records) return
      clock.endMs = performance.now()
      clock.published = (beside?.published ?? 0) - clock.published
      finished()
    },
  })
  beside?.begin()
  await worker.start()
  await isFinished
  const busy = meter.read()
  beside?.close()
  await worker.close()
  await connection.close()
  const seconds = (clock.endMs - clock.startMs) / 1_000
  return {
    recordsPerSecond: (job.records - job.warmupRecords) / seconds,
    publishedPerSecond: clock.published / seconds,
    clientBusy: busy.client,
    serverBusy: busy.server,
  }
}

/** Publishes at a fixed rate until it is closed. */
class Beside {
  published = 0
  readonly #intervalMs: number
  readonly #request = publishRequest(BESIDE, 0)
  readonly #idle: LeanConnection[] = []
  readonly #all: LeanConnection[] = []
  #timer: NodeJS.Timeout | undefined
  #startMs = 0
  #sent = 0

  static async open(job: WorkingJob): Promise<Beside> {
    const beside = new Beside((BESIDE.batch * 1_000) / job.besidePerSecond)
    for (let i = 0; i < BESIDE_CONNECTIONS; i += 1) await beside.#connect(job.port)
    return beside
  }

  private constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  begin(): void {
    this.#startMs = performance.now()
    this.#timer = setInterval(() => this.#sendDue(), 1)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const connection of this.#all) connection.close()
  }

  async #connect(port: number): Promise<void> {
    const connection = await LeanConnection.open({
      port,
      onResponse: (status, body) => {
        if (status !== 200) throw new Error(`publishing: status ${status}: ${body.toString()}`)
        this.published += BESIDE.batch
        this.#idle.push(connection)
        this.#sendDue()
      },
      onFailure: (error) => {
        throw error
      },
    })
    this.#all.push(connection)
    this.#idle.push(connection)
  }

  #sendDue(): void {
    const due = (performance.now() - this.#startMs) / this.#intervalMs
    while (this.#sent < due) {
      const connection = this.#idle.pop()
      if (connection === undefined) return
      this.#sent += 1
      connection.send(this.#request)
    }
  }
}
