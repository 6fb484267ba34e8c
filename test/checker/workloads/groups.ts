/**
 * A group that reads by offset. Members over HTTP poll, commit what they were handed (some of the time late, with the
 * generation they had then), leave and come back; beside them members of another group through the SDK. Publishers
 * keep the topic growing, watchers look at the committed offsets.
 */
import { Client } from '../../../src/client/index.ts'
import type { SeededRandom } from '../../support/random.ts'
import { checkGroup } from '../check/groups.ts'
import { checkLog } from '../check/log.ts'
import { pause } from '../clients/http.ts'
import { type GroupPlan, Member, readFloors } from '../clients/members.ts'
import { Topic } from '../clients/topic.ts'
import { now, since } from '../history/history.ts'
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

const NAME = 'groups'
const PARTITIONS = 4
const BATCH_MAX = 10
const MEMBERS = 3
const SDK_MEMBERS = 2
/** Of a member's turns, how many are its last before it leaves and comes back as another. */
const LEAVES = 0.06
const POLL = { maxMessages: 20, waitMs: 300, visibilityMs: 0 }
const shared = { topic: NAME, mode: 'offset', assignment: 'range' } as const
const BY_HTTP: GroupPlan = { group: 'readers', ...shared }
const BY_SDK: GroupPlan = { group: 'sdk-readers', ...shared }

export function groupsWorkload(context: WorkContext): Workload {
  const { random } = context
  const topic = new Topic(context, { name: NAME, partitions: PARTITIONS })
  return {
    prepare: () => topic.create(),
    async run() {
      const members = Array.from({ length: MEMBERS }, (_, i) =>
        beMember(context, `member-${i}`, random.fork()),
      )
      const consumers = Array.from({ length: SDK_MEMBERS }, (_, i) => consume(context, `sdk-${i}`))
      await Promise.all([
        publish(context, topic, random.fork()),
        ...members,
        ...consumers,
        watch(context, random.fork()),
      ])
    },
    async finish() {
      await topic.readAll()
      for (const plan of [BY_HTTP, BY_SDK]) await drain(context, plan)
    },
    check: (history, terms) => [
      ...checkLog(history, NAME, terms),
      ...[BY_HTTP, BY_SDK].flatMap((plan) => checkGroup(history, plan, terms)),
    ],
  }
}

async function publish({ isOver }: WorkContext, topic: Topic, random: SeededRandom): Promise<void> {
  const client = 'groups-publisher'
  for (let call = 0; !isOver(); call += 1) {
    const ids = Array.from(
      { length: random.between(1, BATCH_MAX) },
      (_, i) => `${client}:${call}:${i}`,
    )
    const acks = random.pick(['leader', 'all'] as const)
    await topic.publish({ client, ids, acks, partition: random.int(PARTITIONS) })
    await pause(random.int(20))
  }
}

/** Behind the last record that it was handed, by partition. */
function positionsAfter(handOuts: readonly HandOut[]): Record<string, number> {
  const positions: Record<string, number> = {}
  for (const { partition, offset } of handOuts) positions[partition] = offset + 1
  return positions
}

interface Late {
  readonly offsets: Record<string, number>
  readonly generation: number
}

/** What a member has been handed and not committed yet, or commits once more. */
interface Pending {
  late?: Late | undefined
  before: Record<string, number>
}

async function beMember(context: WorkContext, name: string, random: SeededRandom): Promise<void> {
  let member = new Member(context, BY_HTTP, name)
  let pending: Pending = { before: {} }
  let isJoined = false
  while (!context.isOver()) {
    isJoined ||= await member.join()
    if (!isJoined) continue
    isJoined = await takeTurn(member, pending, random)
    if (!random.chance(LEAVES)) continue
    await member.leave()
    member = new Member(context, BY_HTTP, name)
    pending = { before: {} }
    isJoined = false
  }
  await member.leave()
}

/** False where the member must join again. */
async function takeTurn(member: Member, pending: Pending, random: SeededRandom): Promise<boolean> {
  const { late } = pending
  if (late !== undefined && random.chance(0.4)) {
    // Perhaps it has joined again meanwhile: then its generation of that time is over.
    await member.commit(late.offsets, late.generation)
    pending.late = undefined
  }
  const handOuts = await member.poll(POLL)
  if (handOuts === undefined) return false
  const offsets = positionsAfter(handOuts)
  if (random.chance(0.2)) pending.late = { offsets, generation: member.generation }
  else if (handOuts.length > 0) await member.commit(offsets)
  // Behind what it has committed since: changes nothing.
  if (random.chance(0.1)) await member.commit(pending.before)
  pending.before = offsets
  return true
}

/** The SDK looks after membership and commits; what its handler got is noted. */
async function consume(context: WorkContext, name: string): Promise<void> {
  const { url, history } = context
  const client = new Client({ url })
  const { group } = BY_SDK
  const consumer = client.groupConsumer({
    ...{ group, topics: [NAME], clientId: name, autoCommitMs: 200, fetchWaitMs: 300 },
    ...{ sessionTimeoutMs: SDK_SESSION_MS, requestTimeoutMs: 3000, retryBackoffMaxMs: 300 },
    onWarning: () => undefined,
  })
  const consuming = consumer.eachBatch(async ({ messages }) => {
    const handOuts = messages.map((message) => ({
      ...{ topic: message.topic, partition: message.partition, offset: message.offset },
      ...{ priority: message.priority, receipt: '', deliveryCount: 0 },
      id: idOf(message.text()),
    }))
    history.record({
      ...{ op: 'poll', client: name, group, member: name, visibilityMs: 0, handOuts },
      ...{ outcome: 'ok', ...since(now()) },
    })
  })
  await whileRunning(context, consuming)
  await Promise.all([consumer.close(), ofClosed(consuming)])
  await client.close()
}

async function watch(context: WorkContext, random: SeededRandom): Promise<void> {
  while (!context.isOver()) {
    await readFloors(context, random.pick([BY_HTTP, BY_SDK]), 'watcher')
    await pause(random.int(60))
  }
}

/** One member reads what is left, so that everything below the last committed offset was handed to somebody. */
async function drain(context: WorkContext, plan: GroupPlan): Promise<void> {
  const member = new Member(context, plan, 'end')
  let isJoined = false
  await bringToRest(context, plan, async () => {
    if (!isJoined) {
      await member.outlive()
      isJoined = await member.join()
    }
    const handOuts = await member.poll(POLL)
    isJoined = handOuts !== undefined
    if (handOuts === undefined || handOuts.length === 0) return false
    return await member.commit(positionsAfter(handOuts))
  })
  await readFloors(context, plan, 'end')
}
