/** Readers in order: a group that stays, a member that comes and goes, a follower at the end, reads from anywhere. */
import { Client, type GroupConsumer, Records } from '../../../src/client/index.ts'
import { pace, paceAlone, together } from './pace.ts'
import { PARTITIONS, TOPICS } from './topics.ts'
import type { Part, World } from './world.ts'

export const READERS = 'readers'
const TOPIC = TOPICS.log
const RANDOM_PER_SECOND = 5
const PAGE = 100
const VISITS_PER_SECOND = 1 / 45
const VISIT_MS = 15_000
const FOLLOWS_PER_SECOND = 1 / 20
const FOLLOW_MS = 8_000

interface Member {
  readonly consumer: GroupConsumer
  readonly reading: Promise<void>
}

function member(world: World, client: Client): Member {
  const consumer = client.groupConsumer({ group: READERS, topics: [TOPIC] })
  const reading = consumer
    .eachBatch(({ messages }) => world.count('read by a group', messages.length))
    .catch((error: unknown) => world.problem('read by a group', error))
  return { consumer, reading }
}

/** Resolves after `ms`, or when `over` is aborted. */
export const lasting = (ms: number, over: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      over.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    over.addEventListener('abort', done)
    if (over.aborted) done()
  })

/** A member with a connection of its own, which goes with it. */
async function visit(world: World, over: AbortSignal): Promise<void> {
  const client = new Client({ url: world.url })
  const { consumer, reading } = member(world, client)
  await lasting(VISIT_MS, over)
  await consumer.close()
  await reading
  await client.close()
}

async function follow(world: World, over: AbortSignal): Promise<void> {
  const client = new Client({ url: world.url })
  const consumer = client.consumer({ topic: TOPIC, from: 'latest' })
  const reading = consumer.eachMessage(() => world.count('read by offset'), { concurrency: 2 })
  await lasting(FOLLOW_MS, over)
  await consumer.close()
  await reading
  await client.close()
}

/** A page from anywhere in a partition, by turns raw and in JSON. Retention may be faster: that is an answer. */
async function readAnywhere(world: World, turn: number): Promise<void> {
  const { admin, connection } = world.client
  const partition = turn % PARTITIONS
  const ends = (await admin.describeTopic(TOPIC)).partition_offsets[partition]
  if (ends === undefined || ends.latest === ends.earliest) return
  const offset = ends.earliest + Math.floor(Math.random() * (ends.latest - ends.earliest))
  if (turn % 2 === 0) {
    const read = { topic: TOPIC, partition, offset, maxRecords: PAGE }
    const { records } = await new Records(connection).read(read).catch(tooOld)
    return world.count('read by offset', records.length)
  }
  const path = `/topics/${TOPIC}/partitions/${partition}/messages`
  const ask = { method: 'GET', path, query: { offset, limit: PAGE }, alsoAnswers: [416] } as const
  const reply = (await connection.askJson(ask)) as { messages?: readonly unknown[] }
  world.count('read by offset', reply.messages?.length ?? 0)
}

const tooOld = (error: unknown): { readonly records: readonly unknown[] } => {
  if (error instanceof Error && 'code' in error && error.code === 'OFFSET_OUT_OF_RANGE') {
    return { records: [] }
  }
  throw error
}

export function startReading(world: World): Part {
  const over = new AbortController()
  const steady = [member(world, world.client), member(world, world.client)]
  const anywhere = pace(world, {
    name: 'read by offset',
    perSecond: RANDOM_PER_SECOND,
    work: (turn) => readAnywhere(world, turn),
  })
  const visits = paceAlone(world, {
    name: 'a member that comes and goes',
    perSecond: VISITS_PER_SECOND,
    work: () => visit(world, over.signal),
  })
  const follows = paceAlone(world, {
    name: 'follow',
    perSecond: FOLLOWS_PER_SECOND,
    work: () => follow(world, over.signal),
  })
  const rest = together([anywhere, visits, follows])
  return {
    async stop() {
      over.abort()
      await rest.stop()
      await Promise.all(steady.map(({ consumer }) => consumer.close()))
      await Promise.all(steady.map(({ reading }) => reading))
    },
  }
}
