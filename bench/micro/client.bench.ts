/**
 * The clients' own work for each message, against answers that are there at once: no broker, no socket.
 * A case handles 1000 messages: its microseconds are the nanoseconds of one.
 */
import { fetchFrameHead } from '../../src/api/index.ts'
import { type Answer, type Ask, type Asker, Consumer, Producer } from '../../src/client/index.ts'
import { batchOf, recordLength, stampRecord } from '../../src/record/index.ts'
import { textOf } from '../load/requests.ts'
import { type MicroCases, runIfMain } from '../support/micro.ts'

const COUNT = 1_000
const VALUE_BYTES = 100
const buffers = Array.from({ length: COUNT }, (_, i) => Buffer.from(textOf(VALUE_BYTES, i)))
const messages = buffers.map((value) => ({ topic: 't', value }))
const texts = buffers.map((value) => ({ topic: 't', value: value.toString() }))
const keyed = buffers.map((value, i) => ({ topic: 't', key: `key-${i % 1000}`, value }))

const answer = (body: Buffer): Answer => ({ status: 200, headers: {}, body })
const topic = answer(
  Buffer.from('{"partitions":1,"partition_offsets":{"0":{"earliest":0,"latest":0}}}'),
)

/** Takes every batch, as a broker that is infinitely fast. */
const broker: Asker = {
  async ask({ method, raw }: Ask) {
    if (method === 'GET') return topic
    const count = Buffer.from(raw?.bytes.subarray(8, 12) ?? []).readUInt32BE(0)
    return answer(
      Buffer.from(
        `{"results":[{"partition":0,"offset":0,"count":${count},"timestamp":"2026-01-01T00:00:00Z"}],"durability":"memory"}`,
      ),
    )
  },
}

const stored = batchOf(...buffers.map((value) => ({ value }))).bytes
for (let at = 0, offset = 0; at < stored.length; offset += 1) {
  const length = recordLength(stored, at)
  stampRecord(stored, at, length, { offset, timestampMs: 1, more: offset < COUNT - 1 })
  at += length
}
const head = { index: 0, error: 0, nextOffset: COUNT, highWatermark: COUNT }
const frames = Buffer.concat([fetchFrameHead(head, stored.length), stored])

/** Answers the first fetch with all there is and the next ones with nothing until the consumer closes. */
function full(): Asker {
  let fetches = 0
  return {
    async ask({ method, signal }: Ask) {
      if (method === 'GET') return topic
      fetches += 1
      if (fetches === 1) return answer(frames)
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      throw new Error('closed')
    },
  }
}

const producer = new Producer(broker, { lingerMs: 0, bufferBytes: 2 ** 30 })

async function eachBatch(): Promise<number> {
  let bytes = 0
  const consumer = new Consumer(full(), { topic: 't', prefetchBytes: 2 ** 30 })
  await consumer.eachBatch(({ messages: all }) => {
    for (const { value } of all) bytes += value?.length ?? 0
    void consumer.close()
  })
  return bytes
}

async function forAwait(): Promise<number> {
  let bytes = 0
  const consumer = new Consumer(full(), { topic: 't', prefetchBytes: 2 ** 30 })
  for await (const { value, offset } of consumer) {
    bytes += value?.length ?? 0
    if (offset === COUNT - 1) break
  }
  await consumer.close()
  return bytes
}

export const cases: MicroCases = {
  '1000 × 100 B: sendBatch, buffers': () => producer.sendBatch(messages),
  '1000 × 100 B: sendBatch, text': () => producer.sendBatch(texts),
  '1000 × 100 B: sendBatch, keyed': () => producer.sendBatch(keyed),
  '1000 × 100 B: send, a promise each': () =>
    Promise.all(messages.map((message) => producer.send(message))),
  '1000 × 100 B: eachBatch, checked and read': eachBatch,
  '1000 × 100 B: for await, checked and read': forAwait,
}
await runIfMain(import.meta.url, 'client', cases)
