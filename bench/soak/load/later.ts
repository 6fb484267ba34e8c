/** Messages for later: due within some seconds, some cancelled, some put off; a group reads what was delivered. */
import { BrokerError, type DeliveredPosition } from '../../../src/client/index.ts'
import { pace, together } from './pace.ts'
import { TOPICS } from './topics.ts'
import type { Part, World } from './world.ts'

export const LATE_READERS = 'late-readers'
const TOPIC = TOPICS.later
const SHARE = 0.15
const BATCH = 10
const DELAY_MS_MIN = 500
const CHANGES_PER_SECOND = 10
/** Places that may be changed, youngest last. */
const KNOWN_MAX = 200
/** A broker that cannot keep its times, or a machine that has no processor to spare for it. */
const LATE_MS = 5_000

/** It may have been delivered meanwhile. */
function unlessDelivered(error: unknown): void {
  if (error instanceof BrokerError && error.code === 'ALREADY_DELIVERED') return
  throw error
}

export function startScheduling(world: World): Part {
  const { client, ratePerSecond, delayMsMax } = world
  const producer = client.producer()
  const known: DeliveredPosition[] = []
  const delay = (): number => DELAY_MS_MIN + Math.random() * (delayMsMax - DELAY_MS_MIN)
  const schedule = pace(world, {
    name: 'schedule',
    perSecond: (ratePerSecond * SHARE) / BATCH,
    work: async () => {
      const messages = Array.from({ length: BATCH }, () => ({
        ...{ topic: TOPIC, value: world.text(), delayMs: delay() },
      }))
      const delivery = await producer.sendBatch(messages)
      known.push(...delivery.positions().slice(0, 1))
      if (known.length > KNOWN_MAX) known.splice(0, known.length - KNOWN_MAX)
      world.count('published', BATCH)
      world.count('scheduled', BATCH)
    },
  })
  const change = pace(world, {
    name: 'cancel and put off',
    perSecond: CHANGES_PER_SECOND,
    work: async (turn) => {
      const place = known.pop()
      if (place === undefined) return
      if (turn % 2 === 0) {
        const isCancelled = await client.delayed.cancel(place).then(() => true, unlessDelivered)
        if (isCancelled) world.count('cancelled')
      } else await client.delayed.reschedule(place, { delayMs: delay() }).catch(unlessDelivered)
    },
  })
  return together([schedule, change])
}

export function startLateReading(world: World): Part {
  const consumer = world.client.groupConsumer({ group: LATE_READERS, topics: [TOPIC] })
  const reading = consumer
    .eachMessage(({ timestamp, deliverAt = timestamp }) => {
      world.count('delivered in time')
      if (timestamp < deliverAt) world.problem('delivery', 'too early')
      if (timestamp >= deliverAt + LATE_MS) world.count('delivered 5 s late or later')
    })
    .catch((error: unknown) => world.problem('late readers', error))
  return {
    async stop() {
      await consumer.close()
      await reading
    },
  }
}
