/**
 * Deliveries, and what groups in ack mode do in another way than those that read by offset: they are handed leases,
 * their commits settle what they were handed, and their floors are what is settled.
 */
import type { Delivery, Saying } from '../../delivery/index.ts'
import type { FloorChange, Groups, GroupView } from '../../groups/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { DAY_MS, HOUR_MS } from '../../kernel/units.ts'
import type { DeliveryOperations } from '../deliveryOperations.ts'
import type { GroupOperations } from '../groupOperations.ts'
import { checkedPoll, checkPlaces } from './groups.ts'
import type { Handlers } from './handler.ts'

/** Letters a second that a redrive may bring back at most. */
const RATE_MAX = 10_000
const DELAY_MS_MAX = 7 * DAY_MS
const TIMEOUT_MS_MAX = 12 * HOUR_MS

export const deliveryHandlers = (delivery: Delivery): Handlers<keyof DeliveryOperations> => ({
  'messages.say': async ({ sayings }) => {
    for (let i = 0; i < sayings.length; i += 1) {
      const { kind, timeMs } = sayings[i] as Saying
      if (timeMs === undefined) continue
      checkMs(`sayings[${i}].timeMs`, timeMs, kind === 'nack' ? DELAY_MS_MAX : TIMEOUT_MS_MAX)
    }
    return await delivery.say(sayings)
  },
  'delivery.policy': async ({ scope, name }) => delivery.policy(scope, name),
  'delivery.setPolicy': async ({ scope, name, change }) =>
    await delivery.setPolicy(scope, name, change),
  'dlq.list': async (input) => await delivery.redrives.list(input.topic, input),
  'dlq.redrive': async (input) => {
    const { rate = 1, limit = 1 } = input
    if (!(rate >= 1 && rate <= RATE_MAX)) throw outOf('rate', 1, RATE_MAX)
    if (!(limit >= 1)) throw outOf('limit', 1, Number.MAX_SAFE_INTEGER)
    return await delivery.redrives.redrive(input)
  },
  'dlq.tasks': async ({ topic }) => delivery.redrives.tasks(topic),
  'dlq.task': async ({ topic, id }) => delivery.redrives.task(topic, id),
  'dlq.cancel': async ({ topic, id }) => await delivery.redrives.cancel(topic, id),
  'delivery.figures': async () => delivery.figures(),
})

type AckOperation =
  | 'groups.poll'
  | 'groups.commit'
  | 'groups.offsets'
  | 'groups.describe'
  | 'groups.reset'
  | 'groups.leave'

/** Handlers of group operations that look at the group's mode first; `others` do what is left. */
export function ackModeHandlers(
  delivery: Delivery,
  groups: Groups,
  others: Handlers<keyof GroupOperations>,
): Handlers<AckOperation> {
  const isAck = (group: string): boolean => groups.get(group).mode === 'ack'
  const topicsOf = ({ group, memberId }: { group: string; memberId: string }): readonly string[] =>
    groups.get(group).members.get(memberId)?.topics ?? []
  return {
    'groups.poll': async (input, caller) => {
      if (!isAck(input.group)) {
        const acks = delivery.commitAcks(input.group, topicsOf(input))
        return await others['groups.poll']({ acks, ...input }, caller)
      }
      const { visibilityMs } = input
      if (visibilityMs !== undefined) checkMs('visibilityMs', visibilityMs, TIMEOUT_MS_MAX)
      return await delivery.poll(checkedPoll(input), caller.signal)
    },
    'groups.commit': async (input, caller) => {
      if (!isAck(input.group)) {
        const topics = input.floors.map(({ topic }) => topic)
        const acks = delivery.commitAcks(input.group, topics)
        return await others['groups.commit']({ acks, ...input }, caller)
      }
      checkPlaces('floors', input.floors)
      return await delivery.commit(input)
    },
    'groups.leave': async (input, caller) => {
      // First what it held: whoever leaves did not die.
      if (groups.get(input.group).members.has(input.memberId)) {
        await delivery.release(input.group, input.memberId)
      }
      return await others['groups.leave'](input, caller)
    },
    'groups.offsets': async (input, caller) => {
      const committed = await others['groups.offsets'](input, caller)
      if (!isAck(input.group)) return committed
      const floors = withFloors(delivery, input, committed)
      await delivery.committed()
      return floors
    },
    'groups.describe': async (input, caller) => {
      const view = await others['groups.describe'](input, caller)
      return view.mode === 'ack' ? withDelivery(delivery, view) : view
    },
    'groups.reset': async (input, caller) => {
      if (!isAck(input.group)) return await others['groups.reset'](input, caller)
      const floorBefore = (change: FloorChange): FloorChange => ({
        ...change,
        before: delivery.floor(input.group, change.topic, change.partition) ?? change.before,
      })
      const changes = (await others['groups.reset'](input, caller)).map(floorBefore)
      if (!input.dryRun) {
        const partitions = changes.map(({ partition }) => partition)
        await delivery.reset(input.group, input.topic, partitions)
      }
      return changes
    },
  }
}

type Offsets = Awaited<ReturnType<Handlers<'groups.offsets'>['groups.offsets']>>

/** What was handed out knows better than what was committed before anything was. */
function withFloors(
  delivery: Delivery,
  { group, topic }: { readonly group: string; readonly topic?: string | undefined },
  committed: Offsets,
): Offsets {
  const floors = new Map([...committed].map(([name, each]) => [name, new Map(each)]))
  for (const window of delivery.describe(group).windows) {
    if (topic !== undefined && topic !== window.topic) continue
    let ofTopic = floors.get(window.topic)
    if (ofTopic === undefined) {
      ofTopic = new Map()
      floors.set(window.topic, ofTopic)
    }
    ofTopic.set(window.partition, window.floor)
  }
  return floors
}

/** The lag of a group in ack mode is what is not settled: one old record that keeps failing is one, not all behind it. */
function withDelivery(delivery: Delivery, view: GroupView) {
  const described = delivery.describe(view.id)
  const topics = new Map([...view.topics].map(([name, partitions]) => [name, [...partitions]]))
  for (const { topic, partition, floor, backlog } of described.windows) {
    const partitions = topics.get(topic)
    if (partitions?.[partition] !== undefined) {
      partitions[partition] = { partition, floor, lag: backlog }
    }
  }
  return { ...view, topics, delivery: described }
}

function checkMs(field: string, value: number, max: number): void {
  if (!(Number.isFinite(value) && value >= 0 && value <= max)) throw outOf(field, 0, max)
}

function outOf(field: string, min: number, max: number): BrokerError {
  const what = `must be ${min} to ${max}`
  return new BrokerError('INVALID_REQUEST', `${field} ${what}`, { fields: { [field]: what } })
}
