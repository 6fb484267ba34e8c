/**
 * Messages for later, through the producer of the SDK: how fast they go out when their time comes, and how late.
 *
 *   rush      all due at one moment: from then on until the last is in the topic
 *   stagger   one after the other: each timed at a reader of the topic's tail, by the clock of the machine
 */

import { Connection, Consumer, type Message, Producer } from '../../src/client/index.ts'
import { pause } from '../support/pause.ts'
import { percentile } from '../support/statistics.ts'
import { Caller } from './caller.ts'
import { Pusher } from './pusher.ts'
import { TOPIC, textOf } from './requests.ts'
import { freshTopic, storedMessages } from './topic.ts'

export interface RushJob {
  readonly kind: 'rush'
  readonly port: number
  readonly records: number
  readonly valueBytes: number
  /** Raw batches are published to another topic all the time, as fast as they are taken. */
  readonly isBusy: boolean
}

export interface RushResult {
  readonly recordsPerSecond: number
  readonly lastOutMs: number
  /** Records of the other topic a second, from the moment they were due until the last was out. */
  readonly publishedPerSecond: number
}

export interface StaggerJob {
  readonly kind: 'stagger'
  readonly port: number
  readonly records: number
  readonly overMs: number
  readonly valueBytes: number
}

export interface StaggerResult {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const OTHER = 'busy'
/** Time to schedule in, before the first is due. */
const LEAD_MS = 1_000
const BATCH = 1_000
const LOOK_MS = 5
const LATE_MS_MAX = 60_000

/** Resolves when all of them are stored for later. */
async function schedule(
  port: number,
  { records, valueBytes }: Pick<RushJob, 'records' | 'valueBytes'>,
  dueMs: (i: number) => number,
): Promise<void> {
  const connection = new Connection({ url: `http://127.0.0.1:${port}` })
  const producer = new Producer(connection, { acks: 'leader' })
  const padding = textOf(valueBytes, 1)
  for (let from = 0; from < records; from += BATCH) {
    const count = Math.min(BATCH, records - from)
    const messages = Array.from({ length: count }, (_, k): Message => {
      const deliverAt = Math.ceil(dueMs(from + k))
      const value = `${deliverAt} ${padding}`.slice(0, valueBytes)
      return { topic: TOPIC, value, deliverAt }
    })
    await producer.sendBatch(messages)
  }
  await producer.close()
  await connection.close()
}

export async function runRush(job: RushJob): Promise<RushResult> {
  await freshTopic(job.port, TOPIC, 1)
  await freshTopic(job.port, OTHER, 1)
  const dueMs = Date.now() + LEAD_MS + job.records / 50
  await schedule(job.port, job, () => dueMs)
  if (Date.now() >= dueMs) throw new Error('it took too long to schedule them')
  const pusher = job.isBusy ? await Pusher.open(job.port, OTHER) : undefined
  await pause(dueMs - Date.now())
  const publishedBefore = pusher?.published ?? 0
  let out = 0
  while (out < job.records) {
    if (Date.now() > dueMs + LATE_MS_MAX) throw new Error(`${out} of ${job.records} delivered`)
    out = await storedMessages(job.port)
    if (out < job.records) await pause(LOOK_MS)
  }
  const lastOutMs = Date.now() - dueMs
  const published = (pusher?.published ?? 0) - publishedBefore
  pusher?.close()
  if (out > job.records) throw new Error(`${out} delivered of ${job.records}`)
  return {
    recordsPerSecond: job.records / (lastOutMs / 1_000),
    lastOutMs,
    publishedPerSecond: published / (lastOutMs / 1_000),
  }
}

/** Resolves when the broker counts nothing as waiting: what a reader has may still be on its way to the disk. */
async function noneWaits(port: number): Promise<void> {
  const caller = await Caller.open(port)
  const untilMs = Date.now() + LATE_MS_MAX
  for (let pending = 1; pending > 0; ) {
    const stats = (await caller.json('GET', '/delay/stats')) as { readonly pending_count: number }
    pending = stats.pending_count
    if (pending > 0 && Date.now() > untilMs) throw new Error(`${pending} still wait`)
    if (pending > 0) await pause(LOOK_MS)
  }
  caller.close()
}

export async function runStagger(job: StaggerJob): Promise<StaggerResult> {
  await freshTopic(job.port, TOPIC, 1)
  const firstMs = Date.now() + LEAD_MS
  await schedule(job.port, job, (i) => firstMs + (i * job.overMs) / job.records)
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  const consumer = new Consumer(connection, { topic: TOPIC })
  const latenessMs: number[] = []
  for await (const message of consumer) {
    const nowMs = performance.timeOrigin + performance.now()
    const dueMs = Number.parseInt(message.text(), 10)
    if (message.timestamp < dueMs) throw new Error(`${dueMs - message.timestamp} ms too early`)
    latenessMs.push(nowMs - dueMs)
    if (latenessMs.length === job.records) break
  }
  await consumer.close()
  await connection.close()
  await noneWaits(job.port)
  const sorted = Float64Array.from(latenessMs).sort()
  return {
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? 0,
  }
}
