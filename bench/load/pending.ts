/**
 * A million messages that wait for their time, spread over a month: stored through the SDK, and then looked at and
 * cancelled one by one over HTTP, each call timed.
 */
import { Connection, type Message, Producer } from '../../src/client/index.ts'
import { percentile } from '../support/statistics.ts'
import { Caller } from './caller.ts'
import { TOPIC, textOf } from './requests.ts'
import { freshTopic } from './topic.ts'

export interface PendingJob {
  readonly kind: 'pending'
  readonly port: number
  readonly partitions: number
  readonly records: number
  readonly valueBytes: number
  readonly overMs: number
}

export interface PendingCallsJob {
  readonly kind: 'pending-calls'
  readonly port: number
  readonly calls: number
}

export interface PendingCallsResult {
  readonly listP50Ms: number
  readonly listP99Ms: number
  readonly cancelP50Ms: number
  readonly cancelP99Ms: number
}

const BATCH = 1_000
/** Calls that compilers settle in. */
const WARMUP_CALLS = 50
/** None is due while it is measured. */
const SOONEST_MS = 600_000

interface Page {
  readonly messages: readonly { readonly partition: number; readonly offset: number }[]
  readonly cursor: string
}

export async function runPending(job: PendingJob): Promise<{ pending: number }> {
  await freshTopic(job.port, TOPIC, job.partitions)
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  const producer = new Producer(connection, { acks: 'leader' })
  const value = textOf(job.valueBytes, 1)
  const nowMs = Date.now() + SOONEST_MS
  for (let from = 0; from < job.records; from += BATCH) {
    const messages = Array.from(
      { length: Math.min(BATCH, job.records - from) },
      (_, k): Message => {
        // Spread evenly, but not in the order in which they are sent.
        const share = (((from + k) * 7_919) % job.records) / job.records
        return { topic: TOPIC, value, deliverAt: Math.floor(nowMs + share * job.overMs) }
      },
    )
    await producer.sendBatch(messages)
  }
  await producer.close()
  await connection.close()
  const caller = await Caller.open(job.port)
  const stats = (await caller.json('GET', '/delay/stats')) as { readonly pending_count: number }
  caller.close()
  if (stats.pending_count === job.records) return { pending: stats.pending_count }
  throw new Error(`${stats.pending_count} of ${job.records} wait`)
}

export async function runPendingCalls(job: PendingCallsJob): Promise<PendingCallsResult> {
  const caller = await Caller.open(job.port)
  const lists: number[] = []
  const cancels: number[] = []
  let cursor = ''
  while (cancels.length < WARMUP_CALLS + job.calls) {
    const query = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const askedMs = performance.now()
    const page = (await caller.json('GET', `/topics/${TOPIC}/delayed?limit=100${query}`)) as Page
    const tookMs = performance.now() - askedMs
    const [message] = page.messages
    if (message === undefined && cursor === '') throw new Error('nothing waits')
    cursor = page.cursor
    if (message === undefined) continue
    lists.push(tookMs)
    const path = `/topics/${TOPIC}/delayed/${message.partition}/${message.offset}`
    const cancelledMs = performance.now()
    await caller.json('DELETE', path)
    cancels.push(performance.now() - cancelledMs)
  }
  caller.close()
  const listsMs = Float64Array.from(lists.slice(WARMUP_CALLS)).sort()
  const cancelsMs = Float64Array.from(cancels.slice(WARMUP_CALLS)).sort()
  return {
    listP50Ms: percentile(listsMs, 0.5),
    listP99Ms: percentile(listsMs, 0.99),
    cancelP50Ms: percentile(cancelsMs, 0.5),
    cancelP99Ms: percentile(cancelsMs, 0.99),
  }
}
