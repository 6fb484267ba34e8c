/**
 * A work queue: workers over HTTP lease, then acknowledge, give back with a delay, reject, extend, or forget what they
 * got, one by one and several at once; some leave in the midst of it. A second group works through the SDK.
 */
import { Client, Reject, RetryLater } from '../../../src/client/index.ts'
import type { SeededRandom } from '../../support/random.ts'
import type { Losable } from '../check/finding.ts'
import { checkLeases } from '../check/leases.ts'
import { checkLog } from '../check/log.ts'
import { pause } from '../clients/http.ts'
import { type GroupPlan, Member } from '../clients/members.ts'
import { Topic } from '../clients/topic.ts'
import { type Instant, now, told } from '../history/history.ts'
import type { HandOut } from '../history/operation.ts'
import { idOf } from '../history/values.ts'
import { bringToRest } from './rest.ts'
import {
  ofClosed,
  SDK_SESSION_MS,
  type WorkContext,
  type Workload,
  whileRunning,
} from './workload.ts'

const BATCH_MAX = 6
const WORKERS = 4
const VISIBILITY_MS = 1500
const EXTENSION_MS = 2500
const BACKOFF_MS = 200
const NACK_DELAYS_MS = [0, 100, 600]

export interface QueuePlan {
  readonly name: string
  readonly partitions: number
  readonly priorities: readonly string[]
  readonly assignment: 'shared' | 'range'
  /** Whether a group works through the SDK beside. */
  readonly sdk: boolean
  /** Everything that is confirmed is on disk: records by `acks: all`, what becomes of them by `ack_durability: all`. */
  readonly durable: boolean
}

export const queueWorkload = (context: WorkContext): Workload =>
  workQueue(context, {
    ...{ name: 'queue', partitions: 2, assignment: 'shared', sdk: true, durable: false },
    priorities: ['normal'],
  })

/** Nothing of it may be lost, whatever the fault. */
export const durableWorkload = (context: WorkContext): Workload =>
  workQueue(context, {
    ...{ name: 'durable', partitions: 2, assignment: 'shared', sdk: true, durable: true },
    priorities: ['normal'],
  })

/** Workers of a topic whose records are of `priorities`. */
export function workQueue(context: WorkContext, plan: QueuePlan): Workload {
  const { random, http } = context
  const { name, partitions, assignment } = plan
  const topic = new Topic(context, { name, partitions })
  const letters = new Topic(context, { name: `${name}.dlq`, partitions })
  const byHttp: GroupPlan = { group: `${name}-workers`, topic: name, mode: 'ack', assignment }
  const bySdk: GroupPlan = { ...byHttp, group: `${name}-sdk`, assignment: 'range' }
  return {
    async prepare() {
      await topic.create()
      // By an ordinary topic of its name, so that its end can be read also where nothing was rejected.
      await letters.create()
      const body = {
        ...{ visibility_timeout: '1500ms', backoff: `${BACKOFF_MS}ms`, backoff_max: '1s' },
        ack_durability: plan.durable ? 'all' : 'leader',
      }
      await http.ask('PATCH', `/topics/${name}/delivery`, { body })
    },
    async run() {
      const workers = Array.from({ length: WORKERS }, (_, i) =>
        work(context, byHttp, { client: `${name}-worker-${i}`, random: random.fork() }),
      )
      const sdk = plan.sdk ? [workBySdk(context, bySdk, random.fork())] : []
      await Promise.all([publish(context, topic, plan), ...workers, ...sdk])
    },
    async finish() {
      await topic.readAll()
      for (const each of plan.sdk ? [byHttp, bySdk] : [byHttp]) await drain(context, each)
      await letters.readAll()
    },
    check: (history, terms) => {
      const own = plan.durable ? { ...terms, losable: new Set<Losable>() } : terms
      const groups = plan.sdk ? [byHttp, bySdk] : [byHttp]
      return [
        ...checkLog(history, name, own),
        ...groups.flatMap((each) => checkLeases(history, each, own)),
      ]
    },
  }
}

async function publish(
  { isOver, random }: WorkContext,
  topic: Topic,
  { partitions, priorities, durable }: QueuePlan,
): Promise<void> {
  const own = random.fork()
  const client = `${topic.name}-publisher`
  for (let call = 0; !isOver(); call += 1) {
    const size = own.between(1, BATCH_MAX)
    const ids = Array.from({ length: size }, (_, i) => `${client}:${call}:${i}`)
    const acks = durable ? 'all' : own.pick(['leader', 'all'] as const)
    const [partition, priority] = [own.int(partitions), own.pick(priorities)]
    await topic.publish({ client, ids, acks, partition, priority })
    await pause(own.int(50))
  }
}

interface WorkerPlan {
  readonly client: string
  readonly random: SeededRandom
}

async function work(
  context: WorkContext,
  plan: GroupPlan,
  { client, random }: WorkerPlan,
): Promise<void> {
  let member = new Member(context, plan, client)
  let isJoined = false
  while (!context.isOver()) {
    if (!isJoined) isJoined = await member.join()
    if (!isJoined) continue
    const maxMessages = random.between(1, 8)
    const poll = { maxMessages, waitMs: random.pick([0, 300]), visibilityMs: VISIBILITY_MS }
    const handOuts = await member.poll(poll)
    if (handOuts === undefined) {
      isJoined = false
      continue
    }
    if (random.chance(0.3)) await member.ackAll(handOuts)
    else for (const handOut of handOuts) await settle(member, handOut, random)
    if (random.chance(0.02)) {
      await member.leave()
      member = new Member(context, plan, client)
      isJoined = false
    }
  }
  await member.leave()
}

async function settle(member: Member, handOut: HandOut, random: SeededRandom): Promise<void> {
  const choice = random.next()
  if (choice < 0.7) await member.settle(handOut, 'ack')
  else if (choice < 0.8) await member.settle(handOut, 'nack', random.pick(NACK_DELAYS_MS))
  else if (choice < 0.84) await member.settle(handOut, 'reject')
  else if (choice < 0.92) {
    await member.settle(handOut, 'extend', EXTENSION_MS)
    if (random.chance(0.7)) await member.settle(handOut, 'ack')
  }
  // The rest is forgotten: its lease runs out.
}

/** What the handler gets, and what the broker confirmed of it, noted as leases and settlements. */
async function workBySdk(
  context: WorkContext,
  { group, topic }: GroupPlan,
  random: SeededRandom,
): Promise<void> {
  const { url, history } = context
  const client = new Client({ url })
  const name = `${group}-0`
  /** With when they came: what is told of them happened at some time after that. */
  const held = new Map<string, { readonly handOut: HandOut; readonly came: Instant }>()
  const worker = client.worker({
    ...{ group, topics: [topic], assignment: 'range', concurrency: 4, leaseMs: 2000 },
    ...{
      sessionTimeoutMs: SDK_SESSION_MS,
      pollWaitMs: 300,
      requestTimeoutMs: 3000,
      retryBackoffMaxMs: 300,
    },
    onWarning: () => undefined,
    handler: async (message) => {
      const { partition, offset, priority, receipt, deliveryCount } = message
      const handOut: HandOut = {
        ...{ topic, partition, offset, priority, receipt, deliveryCount },
        id: idOf(message.text()),
      }
      held.set(`${partition}/${offset}/${deliveryCount}`, { handOut, came: now() })
      history.record({
        ...{ op: 'poll', client: name, group, member: name, visibilityMs: 0 },
        ...{ handOuts: [handOut], ...told(now(), 'ok') },
      })
      await pause(random.int(20))
      if (random.chance(0.1)) throw new RetryLater(random.pick(NACK_DELAYS_MS))
      if (random.chance(0.03)) throw new Reject('by the checker')
    },
    onOutcome: ({ partition, offset, deliveryCount, outcome }) => {
      const known = held.get(`${partition}/${offset}/${deliveryCount}`)
      if (known === undefined || outcome === 'lost') return
      const { handOut, came } = known
      const kind = outcome === 'acked' ? 'ack' : outcome === 'rejected' ? 'reject' : 'nack'
      const settled = { op: 'settle', client: name, kind, group, handOut, ms: 0 } as const
      history.record({ ...settled, ...told(came, 'ok') })
    },
  })
  const running = worker.run()
  await whileRunning(context, running)
  await Promise.all([worker.close({ timeoutMs: 10_000 }), ofClosed(running)])
  await client.close()
}

/** One worker acknowledges what is left, also what comes back late. */
async function drain(context: WorkContext, plan: GroupPlan): Promise<void> {
  const member = new Member(context, plan, `${plan.group}-end`)
  let isJoined = false
  await bringToRest(context, plan, async () => {
    if (!isJoined) {
      await member.outlive()
      isJoined = await member.join()
    }
    const poll = { maxMessages: 100, waitMs: 200, visibilityMs: VISIBILITY_MS }
    const handOuts = await member.poll(poll)
    isJoined = handOuts !== undefined
    if (handOuts === undefined || handOuts.length === 0) return false
    await member.ackAll(handOuts)
    return true
  })
}
