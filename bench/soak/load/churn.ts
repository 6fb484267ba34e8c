/** What comes and goes: topics, groups, clients, polls whose caller hangs up; and whoever looks at figures. */
import { BrokerError, Client } from '../../../src/client/index.ts'
import { paceAlone, together } from './pace.ts'
import { READERS } from './reading.ts'
import { TOPICS } from './topics.ts'
import { DESK, LEDGER } from './working.ts'
import type { Part, World } from './world.ts'

const TOPICS_PER_SECOND = 1 / 10
const MESSAGES = 50
const HANG_UPS_PER_SECOND = 1
const HANG_UP_MS = 300
const LOOKS_PER_SECOND = 1 / 5

const LOOKS = [
  '/stats',
  '/delay/stats',
  '/priority/stats',
  '/reliability/stats',
  '/topics',
  '/groups',
  '/readyz?verbose=true',
  `/groups/${READERS}`,
  `/groups/${DESK}`,
  `/groups/${LEDGER}`,
  `/groups/${DESK}/offsets`,
  `/topics/${TOPICS.log}/partitions`,
  `/topics/${TOPICS.later}/delayed?limit=100`,
  `/topics/${TOPICS.work}/dlq?limit=100`,
] as const

/** A topic and a group from their making to their end, by a client that comes and goes with them. */
async function oneLife(world: World, turn: number): Promise<void> {
  const client = new Client({ url: world.url })
  const topic = `passing-${turn}`
  const group = `passing-${turn}`
  try {
    await client.admin.createTopic({ name: topic, partitions: 2 })
    const messages = Array.from({ length: MESSAGES }, (_, i) => ({
      ...{ topic, value: world.text() },
      ...(i % 10 === 0 ? { delay: '1h' } : {}),
    }))
    await client.producer().sendBatch(messages)
    let acked = 0
    const onOutcome = (): void => {
      acked += 1
    }
    await client
      .worker({ group, topics: [topic], untilEmpty: true, handler: () => undefined, onOutcome })
      .run()
    if (acked !== (MESSAGES * 9) / 10) throw new Error(`${acked} of a passing topic acknowledged`)
    await client.admin.deleteGroup(group)
    await client.admin.deleteTopic(topic)
    world.count('topics made')
  } finally {
    await client.close()
  }
}

/** Waits where nothing comes, and hangs up. */
async function hangUp(world: World): Promise<void> {
  const path = `/topics/${TOPICS.log}/partitions/0/messages`
  const query = { offset: 'latest', timeout: '30s', limit: 1 }
  const signal = AbortSignal.timeout(HANG_UP_MS)
  try {
    await world.client.connection.ask({ method: 'GET', path, query, signal, waitMs: 30_000 })
  } catch (error) {
    if (!(error instanceof BrokerError && error.code === 'CANCELLED')) throw error
  }
}

async function look(world: World): Promise<void> {
  for (const path of LOOKS) {
    // Its group or topic may not be there yet.
    await world.client.connection.ask({ method: 'GET', path, alsoAnswers: [404] })
    world.count('figures asked')
  }
}

export function startChurn(world: World): Part {
  const lives = paceAlone(world, {
    name: 'a passing topic',
    perSecond: TOPICS_PER_SECOND,
    work: (turn) => oneLife(world, turn),
  })
  const hangUps = paceAlone(world, {
    name: 'hang up',
    perSecond: HANG_UPS_PER_SECOND,
    work: () => hangUp(world),
  })
  const looks = paceAlone(world, {
    name: 'figures',
    perSecond: LOOKS_PER_SECOND,
    work: () => look(world),
  })
  return together([lives, hangUps, looks])
}
