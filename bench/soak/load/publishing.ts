/** Records that are read in order: in batches and one by one, through the SDK and in JSON, at every durability. */
import { pace, together } from './pace.ts'
import { PARTITIONS, TOPICS } from './topics.ts'
import type { Part, World } from './world.ts'

/** Of all publishes. */
const SHARE = { batches: 0.4, singles: 0.1, jsonBatches: 0.05, jsonSingles: 0.05 }
const BATCH = 20
const JSON_BATCH = 10
const KEYS = 500
const TOPIC = TOPICS.log

export function startPublishing(world: World): Part {
  const { client, ratePerSecond } = world
  const fast = client.producer({ acks: 'leader' })
  const safe = client.producer({ acks: 'all' })
  const quick = client.producer({ acks: 'none', idempotent: false })
  const message = (turn: number) => ({
    topic: TOPIC,
    key: `key-${turn % KEYS}`,
    value: world.text(),
  })
  const json = async (messages: readonly object[]): Promise<void> => {
    const path = `/topics/${TOPIC}/messages`
    await client.connection.askJson({ method: 'POST', path, json: { messages, acks: 'leader' } })
    world.count('published', messages.length)
  }
  const batches = pace(world, {
    name: 'publish batches',
    perSecond: (ratePerSecond * SHARE.batches) / BATCH,
    work: async (turn) => {
      const messages = Array.from({ length: BATCH }, (_, i) => message(turn * BATCH + i))
      const { count } = await (turn % 10 === 0 ? quick : fast).sendBatch(messages)
      world.count('published', count)
    },
  })
  const singles = pace(world, {
    name: 'publish one by one',
    perSecond: ratePerSecond * SHARE.singles,
    work: async (turn) => {
      await safe.send(message(turn))
      world.count('published')
    },
  })
  const jsonBatches = pace(world, {
    name: 'publish JSON batches',
    perSecond: (ratePerSecond * SHARE.jsonBatches) / JSON_BATCH,
    work: (turn) =>
      json(
        Array.from({ length: JSON_BATCH }, () => ({
          value: world.text(),
          partition: turn % PARTITIONS,
          headers: { turn: `${turn}` },
        })),
      ),
  })
  const jsonSingles = pace(world, {
    name: 'publish JSON one by one',
    perSecond: ratePerSecond * SHARE.jsonSingles,
    work: (turn) => json([{ key: `key-${turn % KEYS}`, value: world.text() }]),
  })
  return together([batches, singles, jsonBatches, jsonSingles])
}
