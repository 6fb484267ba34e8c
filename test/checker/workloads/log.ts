/**
 * Publishers of every kind and readers by offset, on a topic of small segments: single and in batches, to a partition,
 * by key and to anywhere, at each durability; over HTTP once or repeated under an idempotency key, and through the
 * SDK's producer. Readers jump to where something may have just been written, and to anywhere else.
 */
import { Client, type Delivery } from '../../../src/client/index.ts'
import type { SeededRandom } from '../../support/random.ts'
import { checkLog } from '../check/log.ts'
import { pause } from '../clients/http.ts'
import { PRIORITIES, Topic } from '../clients/topic.ts'
import { now, told } from '../history/history.ts'
import type { Acks } from '../history/operation.ts'
import { textOf } from '../history/values.ts'
import type { WorkContext, Workload } from './workload.ts'

const NAME = 'log'
const PARTITIONS = 2
/** Small, so that a run begins many, and reads of old offsets go through their indexes. */
const SEGMENT_BYTES = 32 * 1024
const ACKS: readonly Acks[] = ['none', 'leader', 'all', 'all']
const BATCH_MAX = 12
/** Now and then: long enough to be torn by what cuts a write short. */
const LARGE_BATCH_MAX = 80
const KEYS = 8
const IN_FLIGHT_MAX = 30
const PAUSE_MS_MAX = 12

export function logWorkload(context: WorkContext): Workload {
  const { random } = context
  const config = { segment_bytes: SEGMENT_BYTES }
  const topic = new Topic(context, { name: NAME, partitions: PARTITIONS, config })
  /** How far each partition has come, as far as the readers know. */
  const known = new Map<number, number>()
  return {
    prepare: () => topic.create(),
    async run() {
      await Promise.all([
        ...['json-0', 'json-1', 'json-2'].map((name) =>
          publishJson(context, topic, name, random.fork()),
        ),
        produce(context, 'sdk-leader', 'leader'),
        produce(context, 'sdk-all', 'all'),
        ...(['json', 'raw', 'raw'] as const).map((form, i) =>
          readOn(context, topic, { form, name: `reader-${i}`, random: random.fork(), known }),
        ),
      ])
    },
    finish: () => topic.readAll(),
    check: (history, terms) => checkLog(history, NAME, terms),
  }
}

async function publishJson(
  { isOver }: WorkContext,
  topic: Topic,
  client: string,
  random: SeededRandom,
): Promise<void> {
  for (let call = 0; !isOver(); call += 1) {
    const max = random.pick([1, 1, 1, 1, BATCH_MAX, BATCH_MAX, BATCH_MAX, LARGE_BATCH_MAX])
    const size = random.between(1, max)
    const where = random.pick([
      { partition: random.int(PARTITIONS) },
      { key: `key-${random.int(KEYS)}` },
      {},
    ])
    await topic.publish({
      client,
      ids: Array.from({ length: size }, (_, i) => `${client}:${call}:${i}`),
      acks: random.pick(ACKS),
      priority: random.pick(PRIORITIES),
      ...where,
      isRepeated: random.chance(0.3),
    })
    await pause(random.int(PAUSE_MS_MAX))
  }
}

/** Many messages under way at once; the SDK keeps them in order and sends again what was not answered. */
async function produce(
  { url, history, random, isOver }: WorkContext,
  name: string,
  acks: 'leader' | 'all',
): Promise<void> {
  const client = new Client({ url })
  const producer = client.producer({
    acks,
    lingerMs: 2,
    requestTimeoutMs: 2000,
    onWarning: () => 0,
  })
  const own = random.fork()
  const waiting = new Set<Promise<void>>()
  for (let call = 0; !isOver(); call += 1) {
    const id = `${name}:${call}`
    const start = now()
    const message = { topic: NAME, key: `${name}-${call % KEYS}`, value: textOf(id) }
    const record = (outcome: 'ok' | 'unknown', delivery?: Delivery): void =>
      history.record({
        ...{ op: 'publish', client: name, topic: NAME, acks, ids: [id], priority: 'normal' },
        ...{ isOneBatch: true, stream: `${name}-${call % KEYS}` },
        places: delivery && [{ partition: delivery.partition, offset: delivery.offset }],
        ...told(start, outcome),
      })
    const sent: Promise<void> = producer
      .send(message)
      .then(
        (delivery) => record('ok', delivery),
        () => record('unknown'),
      )
      .finally(() => waiting.delete(sent))
    waiting.add(sent)
    while (waiting.size >= IN_FLIGHT_MAX) await Promise.race(waiting)
    if (own.chance(0.3)) await pause(own.int(PAUSE_MS_MAX))
  }
  await client.close()
  await Promise.all(waiting)
}

interface Reader {
  readonly name: string
  readonly form: 'json' | 'raw'
  readonly random: SeededRandom
  readonly known: Map<number, number>
}

async function readOn(
  { isOver }: WorkContext,
  topic: Topic,
  { name, form, random, known }: Reader,
): Promise<void> {
  while (!isOver()) {
    const partition = random.int(PARTITIONS)
    const end = known.get(partition) ?? 0
    const offset = random.chance(0.5) ? end : random.int(end + 1)
    const at = { client: name, partition, offset, limit: random.between(1, 60), form }
    const next = await topic.read(at)
    if (next !== undefined) known.set(partition, Math.max(known.get(partition) ?? 0, next))
    // Where a power loss took the end, reading goes on in front of it.
    else known.set(partition, Math.max(0, end - 1))
    await pause(random.int(PAUSE_MS_MAX))
  }
}
