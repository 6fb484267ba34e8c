/**
 * The work queue with all five lanes, and two groups: `desk`, workers of the SDK that also fail, reject and take longer
 * than their leases, and whose dead letters are brought back each minute; `ledger`, one member that polls in JSON.
 */

import {
  Reject,
  RetryLater,
  type Worker,
  type WorkMessage,
  type WorkOutcome,
} from '../../../src/client/index.ts'
import { PRIORITIES } from '../../../src/kernel/priority.ts'
import { pause } from '../../support/pause.ts'
import { pace, paceAlone, together } from './pace.ts'
import { lasting } from './reading.ts'
import { TOPICS } from './topics.ts'
import type { Part, World } from './world.ts'

export const DESK = 'desk'
export const LEDGER = 'ledger'
const TOPIC = TOPICS.work
const SHARE = { singles: 0.2, jsonBatches: 0.05 }
const JSON_BATCH = 10
const WORKERS = 2
const CONCURRENCY = 50
const LEASE_MS = 10_000
const LONGER_MS = 12_000
const REDRIVES_PER_SECOND = 1 / 60
const REDRIVE_RATE = 1_000

/** Handlers fail by the offset: of 1,000 messages 20 once, 10 once with a delay of their own, 4 for good, 1 takes long. */
async function handle(message: WorkMessage, signal: AbortSignal): Promise<void> {
  const kind = message.offset % 1_000
  if (message.deliveryCount > 1 || message.headers['goqueue-redrive'] !== undefined) return
  if (kind < 20) throw new Error('not at the first attempt')
  if (kind < 30) throw new RetryLater(2_000)
  if (kind < 34) throw new Reject('never')
  if (kind === 999) await lasting(LONGER_MS, signal)
}

const COUNT_OF = { acked: 'acked', nacked: 'nacked', rejected: 'rejected' } as const

function desk(world: World): Worker {
  return world.client.worker({
    ...{ group: DESK, topics: [TOPIC], assignment: 'shared', concurrency: CONCURRENCY },
    leaseMs: LEASE_MS,
    handler: (message, { signal }) => handle(message, signal),
    onWarning: ({ code }) => world.problem('desk', code),
    onOutcome: ({ outcome }: WorkOutcome) => {
      if (outcome === 'dead' || outcome === 'lost') world.problem('desk', outcome)
      else world.count(COUNT_OF[outcome])
    },
  })
}

interface PollReply {
  readonly messages: readonly { readonly receipt_handle: string; readonly offset: number }[]
}

/** Polls until it is told to stop: some held longer first, a few given back, the rest acknowledged together. */
async function ledger(world: World, over: AbortSignal): Promise<void> {
  const { connection, receipts } = world.client
  const post = (action: string, json: object): Promise<unknown> =>
    connection.askJson({ method: 'POST', path: `/groups/${LEDGER}/${action}`, json })
  const join = (member_id?: string): Promise<unknown> =>
    post('join', { client_id: 'ledger', topics: [TOPIC], member_id })
  const { member_id } = (await join()) as { readonly member_id: string }
  while (!over.aborted) {
    const reply = (await connection.askJson({
      ...{ method: 'GET', path: `/groups/${LEDGER}/poll`, waitMs: 1_000 },
      query: { member_id, max_messages: 100, timeout: '1s' },
    })) as PollReply & { readonly rebalance_required: boolean }
    if (reply.rebalance_required) await join(member_id)
    const handles = reply.messages.map(({ receipt_handle }) => receipt_handle)
    if (handles.length === 0) continue
    const [first = '', ...rest] = handles
    await receipts.extend([first], LEASE_MS)
    if (Math.random() < 0.2) {
      await receipts.nack([first], { delayMs: 500, reason: 'later' })
      await receipts.ack(rest)
    } else await receipts.ack(handles)
  }
  await post('leave', { member_id })
}

/** Those of both groups: what `ledger` gives back four times by chance is one too. They come back as new records. */
async function bringBack(world: World): Promise<void> {
  const { deadLetters } = world.client
  const task = await deadLetters.redrive(TOPIC, { rate: REDRIVE_RATE })
  for (;;) {
    const { state, redriven } = await deadLetters.task(TOPIC, task.task_id)
    if (state === 'running') {
      await pause(500)
      continue
    }
    if (state !== 'completed') world.problem('redrive', state)
    return world.count('brought back', redriven)
  }
}

export function startWorkers(world: World): Part {
  const over = new AbortController()
  const workers = Array.from({ length: WORKERS }, () => desk(world))
  for (const worker of workers) {
    worker.run().catch((error: unknown) => world.problem('desk', error))
  }
  const polling = ledger(world, over.signal).catch((error: unknown) =>
    world.problem('ledger', error),
  )
  const redrives = paceAlone(world, {
    name: 'redrive',
    perSecond: REDRIVES_PER_SECOND,
    work: () => bringBack(world),
  })
  return {
    async stop() {
      await redrives.stop()
      over.abort()
      await Promise.all([polling, ...workers.map((worker) => worker.close())])
    },
  }
}

export function startWork(world: World): Part {
  const { client, ratePerSecond } = world
  const producer = client.producer({ acks: 'leader' })
  const priorityOf = (turn: number) => PRIORITIES[turn % PRIORITIES.length]
  const singles = pace(world, {
    name: 'publish work',
    perSecond: ratePerSecond * SHARE.singles,
    work: async (turn) => {
      await producer.send({ topic: TOPIC, value: world.text(), priority: priorityOf(turn) })
      world.count('published')
    },
  })
  const jsonBatches = pace(world, {
    name: 'publish work in JSON',
    perSecond: (ratePerSecond * SHARE.jsonBatches) / JSON_BATCH,
    work: async (turn) => {
      const messages = Array.from({ length: JSON_BATCH }, (_, i) => ({
        ...{ key: `customer-${(turn + i) % 100}`, value: world.text() },
        priority: priorityOf(turn + i),
      }))
      const json = { messages, acks: 'all' }
      const path = `/topics/${TOPIC}/messages`
      await client.connection.askJson({ method: 'POST', path, json })
      world.count('published', JSON_BATCH)
    },
  })
  return together([singles, jsonBatches])
}
