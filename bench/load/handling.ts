/**
 * Publish to handler at a fixed rate, through the clients of the SDK: a producer without linger, and a consumer group of
 * one that hands out message by message, or a worker that acknowledges each. Messages are due at fixed times, as in openLoop.ts, and each is timed from
 * the moment it was due until its handler begins.
 */
import { Connection, GroupConsumer, Producer, Worker } from '../../src/client/index.ts'
import { everyTurn } from './everyTurn.ts'
import { Lateness, type OpenLoopResult, type Schedule, summary } from './openLoop.ts'
import { meterBusy } from './processor.ts'
import { TOPIC, textOf } from './requests.ts'
import { freshTopic, storedMessages } from './topic.ts'

export interface HandlingJob {
  readonly kind: 'handling'
  readonly port: number
  readonly serverPid: number
  readonly by: 'consumer' | 'worker'
  readonly ratePerSecond: number
  readonly valueBytes: number
  readonly warmupMs: number
  readonly turnMs: number
}

/** How long after the last due time the last message may take. */
const DRAIN_MS = 10_000
const SETTLE_MS = 50
const WORKER_CONCURRENCY = 100
let groups = 0

export async function runHandling(job: HandlingJob): Promise<OpenLoopResult> {
  await freshTopic(job.port)
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  const producer = new Producer(connection, { acks: 'leader', lingerMs: 0 })
  groups += 1
  const group = `handling-${process.pid}-${groups}`
  const handlers = await (job.by === 'worker' ? byWorker : byConsumer)(connection, group)
  const schedule: Schedule = {
    startMs: performance.now() + SETTLE_MS,
    intervalMs: 1_000 / job.ratePerSecond,
    count: Math.round(((job.warmupMs + job.turnMs) * job.ratePerSecond) / 1_000),
    firstCounted: Math.round((job.warmupMs * job.ratePerSecond) / 1_000),
  }
  const handled = new Lateness(schedule)
  const answered = new Lateness(schedule)
  let over = false
  const deadline = setTimeout(
    () => void handlers.close(),
    job.warmupMs + job.turnMs + DRAIN_MS + SETTLE_MS,
  )
  const meter = meterBusy(job.serverPid)
  const sending = sendOnSchedule(producer, job, schedule, { answered, stopped: () => over })
  try {
    await handlers.run((text) => {
      handled.note(Number.parseInt(text, 10), performance.now())
      if (handled.received === schedule.count) void handlers.close()
    })
    if (handled.received < schedule.count) {
      throw new Error(`${handled.received} of ${schedule.count} messages handled`)
    }
    const busy = meter.read()
    await sending
    const stored = await storedMessages(job.port)
    if (stored !== schedule.count) throw new Error(`${schedule.count} sent, ${stored} stored`)
    return summary(handled, answered, busy)
  } finally {
    over = true
    clearTimeout(deadline)
    await producer.close()
    await handlers.close()
    await connection.close()
  }
}

interface Handlers {
  /** Resolves when it is closed; `handle` is called with the text of each message. */
  readonly run: (handle: (text: string) => void) => Promise<void>
  readonly close: () => Promise<void>
}

async function byConsumer(connection: Connection, group: string): Promise<Handlers> {
  const consumer = new GroupConsumer(connection, { group, topics: [TOPIC] })
  await consumer.start()
  return {
    run: (handle) => consumer.eachMessage((message) => handle(message.text())),
    close: () => consumer.close(),
  }
}

async function byWorker(connection: Connection, group: string): Promise<Handlers> {
  let handle: (text: string) => void = () => undefined
  const worker = new Worker(connection, {
    ...{ group, topics: [TOPIC], concurrency: WORKER_CONCURRENCY },
    handler: (message) => handle(message.text()),
  })
  await worker.start()
  return {
    run: async (then) => {
      handle = then
      await worker.run()
    },
    close: () => worker.close(),
  }
}

interface Sending {
  readonly answered: Lateness
  readonly stopped: () => boolean
}

/** Resolves when all are stored. */
function sendOnSchedule(
  producer: Producer,
  { valueBytes }: HandlingJob,
  schedule: Schedule,
  { answered, stopped }: Sending,
): Promise<void> {
  const padding = textOf(valueBytes, 0)
  return new Promise((resolve, reject) => {
    let next = 0
    let left = schedule.count
    const send = (number: number): void => {
      const value = `${number} ${padding}`.slice(0, valueBytes)
      producer.send({ topic: TOPIC, value }).then(() => {
        answered.note(number, performance.now())
        left -= 1
        if (left === 0) resolve()
      }, reject)
    }
    everyTurn(() => {
      const nowMs = performance.now()
      while (next < schedule.count && schedule.startMs + next * schedule.intervalMs <= nowMs) {
        send(next)
        next += 1
      }
      return next < schedule.count && !stopped()
    })
  })
}
