/**
 * Workers whose places slow background messages keep as far as they may, and critical messages that come in between:
 * each is timed from its send to the beginning of its handler.
 */
import { Connection, Producer, Worker, type WorkMessage } from '../../src/client/index.ts'
import { pause } from '../support/pause.ts'
import { percentile } from '../support/statistics.ts'
import { TOPIC } from './requests.ts'
import { freshTopic } from './topic.ts'

export interface HogJob {
  readonly kind: 'hog'
  readonly port: number
  readonly workers: number
  /** Handlers at once, of each worker. */
  readonly concurrency: number
  /** How long a background message takes; 0: there are none, nothing is in the way. */
  readonly backgroundMs: number
  /** Critical messages whose wait counts. */
  readonly critical: number
  /** Between them, on average. */
  readonly everyMs: number
}

export interface HogResult {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Background messages done meanwhile. */
  readonly background: number
}

const PARTITIONS = 3
/** The first ones find connections being made and code not yet compiled. */
const WARM_UP = 40
/** More than the workers can do meanwhile. */
const SPARE = 2

export async function runHog(job: HogJob): Promise<HogResult> {
  await freshTopic(job.port, TOPIC, PARTITIONS)
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  const producer = new Producer(connection, { acks: 'leader' })
  const count = WARM_UP + job.critical
  const places = job.workers * job.concurrency
  const background =
    job.backgroundMs === 0
      ? 0
      : Math.ceil((count * job.everyMs * places * SPARE) / job.backgroundMs) + places
  await producer.sendBatch(
    Array.from({ length: background }, (_, i) => ({
      ...{ topic: TOPIC, value: `${i}`, priority: 'background' as const },
    })),
  )
  const waitsMs: number[] = []
  let done = 0
  let allBegun: () => void = () => undefined
  const begun = new Promise<void>((resolve) => {
    allBegun = resolve
  })
  const handler = async (message: WorkMessage): Promise<void> => {
    if (message.priority === 'critical') {
      waitsMs.push(performance.now() - Number(message.text()))
      if (waitsMs.length === count) allBegun()
      return
    }
    await pause(job.backgroundMs)
    done += 1
  }
  const group = `hog-${process.pid}-${Date.now()}`
  const workers = Array.from(
    { length: job.workers },
    () =>
      new Worker(connection, {
        ...{ group, topics: [TOPIC], assignment: 'shared', concurrency: job.concurrency },
        handler,
      }),
  )
  await Promise.all(workers.map((worker) => worker.start()))
  for (let i = 0; i < count; i += 1) {
    await producer.send({ topic: TOPIC, value: `${performance.now()}`, priority: 'critical' })
    await pause((job.everyMs * 2 * ((i * 7_919) % 100)) / 100)
  }
  await begun
  const counted = waitsMs.slice(WARM_UP).sort((a, b) => a - b)
  const result = {
    p50Ms: percentile(counted, 0.5),
    p99Ms: percentile(counted, 0.99),
    maxMs: percentile(counted, 1),
    background: done,
  }
  await Promise.all(workers.map((worker) => worker.close({ timeoutMs: 0 })))
  await producer.close()
  await connection.close()
  return result
}
