/**
 * One worker of the SDK leases and acknowledges what lies in a topic, with a handler that does nothing. A message counts
 * once the broker has confirmed its ack. Each turn is a new group, so the whole topic is there again.
 * Where asked for, raw batches are published to the same topic meanwhile, at a fixed rate.
 */
import { Connection, Worker, type WorkOutcome } from '../../src/client/index.ts'
import { meterBusy } from './processor.ts'
import { Pusher } from './pusher.ts'
import { TOPIC } from './requests.ts'

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

let groups = 0

export async function runWorking(job: WorkingJob): Promise<WorkingResult> {
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  groups += 1
  const beside =
    job.besidePerSecond > 0 ? await Pusher.open(job.port, TOPIC, job.besidePerSecond) : undefined
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
