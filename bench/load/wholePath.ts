/**
 * The whole path at once: a producer as fast as it goes and a group of one that reads what it sends, in this process,
 * through a topic of several partitions. The rate is that of the handler; the lag is what was acknowledged and not
 * handled yet, looked at all the while.
 */
import { Connection, GroupConsumer, Producer } from '../../src/client/index.ts'
import { meterBusy } from './processor.ts'
import { messagesOf, sendAll } from './producing.ts'
import { TOPIC } from './requests.ts'
import { freshTopic } from './topic.ts'

export interface WholePathJob {
  readonly kind: 'whole-path'
  readonly port: number
  readonly serverPid: number
  readonly partitions: number
  readonly batch: number
  readonly valueBytes: number
  readonly calls: number
  readonly warmupMs: number
  readonly turnMs: number
}

export interface WholePathResult {
  readonly recordsPerSecond: number
  /** Most records behind, over the rate: how long the last of them had to wait. */
  readonly lagMs: number
  readonly clientBusy: number
  readonly serverBusy: number
}

const LOOK_MS = 20

export async function runWholePath(job: WholePathJob): Promise<WholePathResult> {
  await freshTopic(job.port, TOPIC, job.partitions)
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  const producer = new Producer(connection, { acks: 'leader' })
  const consumer = new GroupConsumer(connection, { group: `whole-${Date.now()}`, topics: [TOPIC] })
  await consumer.start()
  const fromMs = performance.now() + job.warmupMs
  const untilMs = fromMs + job.turnMs
  let sent = 0
  let handled = 0
  let handledBefore = 0
  let handledInTurn = 0
  let lag = 0
  let isSent = false
  let meter = meterBusy(job.serverPid)
  const warm = setTimeout(() => {
    handledBefore = handled
    meter = meterBusy(job.serverPid)
  }, job.warmupMs)
  const over = setTimeout(() => {
    handledInTurn = handled - handledBefore
  }, job.warmupMs + job.turnMs)
  const look = setInterval(() => {
    const nowMs = performance.now()
    if (nowMs > fromMs && nowMs < untilMs) lag = Math.max(lag, sent - handled)
  }, LOOK_MS)
  const reading = consumer.eachBatch(({ messages }) => {
    for (const { value } of messages) if (value === null) throw new Error('a message without value')
    handled += messages.length
    if (isSent && handled >= sent) void consumer.close()
  })
  const caller = async (_: unknown, seed: number): Promise<void> => {
    const messages = messagesOf(job.batch, job.valueBytes, seed)
    while (performance.now() < untilMs) {
      await sendAll(producer, messages, 'sendBatch')
      sent += job.batch
    }
  }
  try {
    await Promise.all(Array.from({ length: job.calls }, caller))
    const busy = meter.read()
    isSent = true
    if (handled >= sent) void consumer.close()
    await reading
    if (handled !== sent) throw new Error(`${sent} acknowledged, ${handled} handled`)
    const recordsPerSecond = (handledInTurn || handled) / (job.turnMs / 1_000)
    const lagMs = (lag / recordsPerSecond) * 1_000
    return { recordsPerSecond, lagMs, clientBusy: busy.client, serverBusy: busy.server }
  } finally {
    clearTimeout(warm)
    clearTimeout(over)
    clearInterval(look)
    await producer.close()
    await consumer.close()
    await connection.close()
  }
}
