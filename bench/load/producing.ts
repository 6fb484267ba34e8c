/**
 * The producer of the SDK as hard as it goes: so many calls at once, each making the next when it is settled, so the
 * producer and the broker set the pace.
 *
 *   sendBatch   a call is one sendBatch() of `batch` messages
 *   send        a call is `batch` times send(), each with its own promise
 *
 * Everything but the acks is as it comes. At the end the topic must hold exactly what was acknowledged.
 */
import { Connection, type Message, Producer } from '../../src/client/index.ts'
import { Caller } from './caller.ts'
import { meterBusyAfter } from './processor.ts'
import { TOPIC, textOf } from './requests.ts'
import { freshTopic, storedMessages } from './topic.ts'

export interface ProducingJob {
  readonly kind: 'producing'
  readonly port: number
  readonly serverPid: number
  readonly via: 'send' | 'sendBatch'
  readonly acks: 'leader' | 'all'
  readonly partitions: number
  /** Messages of one call. */
  readonly batch: number
  readonly valueBytes: number
  readonly calls: number
  /** Everything is for later: due so long after the turn has begun. */
  readonly delayMs?: number
  readonly warmupMs: number
  readonly turnMs: number
}

export interface ProducingResult {
  readonly recordsPerSecond: number
  readonly clientBusy: number
  readonly serverBusy: number
  readonly serverMicrosPerRecord: number
}

export const messagesOf = (batch: number, valueBytes: number, seed: number): Message[] =>
  Array.from({ length: batch }, (_, i) => ({
    topic: TOPIC,
    value: Buffer.from(textOf(valueBytes, seed * batch + i)),
  }))

/**
 * The same for later. Written out, as programs do: V8 gives each copy made by `{ ...message, deliverAt }` a shape of its
 * own, and looking at a thousand shapes costs more than sending the messages.
 */
const messagesForLater = (batch: number, valueBytes: number, seed: number, deliverAt: number) =>
  Array.from({ length: batch }, (_, i) => ({
    topic: TOPIC,
    value: Buffer.from(textOf(valueBytes, seed * batch + i)),
    deliverAt,
  }))

/** One call, settled when every message of it is stored. */
export const sendAll = (
  producer: Producer,
  messages: readonly Message[],
  via: ProducingJob['via'],
): Promise<unknown> =>
  via === 'sendBatch'
    ? producer.sendBatch(messages)
    : Promise.all(messages.map((message) => producer.send(message)))

export async function runProducing(job: ProducingJob): Promise<ProducingResult> {
  await freshTopic(job.port, TOPIC, job.partitions)
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  const producer = new Producer(connection, { acks: job.acks })
  const startMs = performance.now()
  const fromMs = startMs + job.warmupMs
  const untilMs = fromMs + job.turnMs
  let sent = 0
  let counted = 0
  const deliverAt = job.delayMs === undefined ? undefined : Date.now() + job.delayMs
  const caller = async (_: unknown, seed: number): Promise<void> => {
    const messages =
      deliverAt === undefined
        ? messagesOf(job.batch, job.valueBytes, seed)
        : messagesForLater(job.batch, job.valueBytes, seed, deliverAt)
    while (performance.now() < untilMs) {
      await sendAll(producer, messages, job.via)
      const nowMs = performance.now()
      sent += job.batch
      if (nowMs >= fromMs && nowMs <= untilMs) counted += job.batch
    }
  }
  const busy = meterBusyAfter(job.warmupMs, job.serverPid)
  await Promise.all(Array.from({ length: job.calls }, caller))
  const shares = busy.read()
  await producer.close()
  await connection.close()
  const stored = await (job.delayMs === undefined ? storedMessages(job.port) : waiting(job.port))
  if (stored !== sent) throw new Error(`${sent} records acknowledged, ${stored} stored`)
  return {
    recordsPerSecond: counted / (job.turnMs / 1_000),
    clientBusy: shares.client,
    serverBusy: shares.server,
    serverMicrosPerRecord: (shares.serverMs * 1_000) / Math.max(1, counted),
  }
}

/** Messages that wait for their time; the topic is the only one, and new. */
async function waiting(port: number): Promise<number> {
  const caller = await Caller.open(port)
  const stats = (await caller.json('GET', '/delay/stats')) as { readonly pending_count: number }
  caller.close()
  return stats.pending_count
}
