/** Deliveries: what workers say of what they were handed, policies, figures. */
import {
  checkerOf,
  formatTime,
  PolicyInput,
  type PolicyReply,
  type ReliabilityStats,
} from '../../api/index.ts'
import type { DeliveryPolicy, Operations, PolicyChange, PolicyView } from '../../broker/index.ts'
import { formatDurationMs, parseDurationMs } from '../../kernel/duration.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { PRIORITIES, type PriorityName } from '../../kernel/priority.ts'
import { callerOf } from './caller.ts'
import { deadLetterRoutes } from './deadLetterRoutes.ts'
import { bodyText, parseJson } from './json.ts'
import { groupOf, topicOf } from './query.ts'
import { receiptRoutes } from './receiptRoutes.ts'
import type { Handler, Request, RouteContext, Routes } from './routes.ts'

const checkPolicy = checkerOf('the request', PolicyInput)

export function deliveryRoutes(context: RouteContext): Routes {
  const { broker } = context
  return {
    ...receiptRoutes(context),
    ...deadLetterRoutes(context),
    'GET reliability': async (request, reply) => {
      reply.send(statsOf(await broker.call('delivery.figures', {}, callerOf(request))))
    },
    'GET groupDelivery': policyOf(context, 'group'),
    'PATCH groupDelivery': setPolicy(context, 'group'),
    'GET topicDelivery': policyOf(context, 'topic'),
    'PATCH topicDelivery': setPolicy(context, 'topic'),
  }
}

const nameOf = (scope: 'group' | 'topic', { params }: Request): string =>
  scope === 'group' ? groupOf(params) : topicOf(params)

const policyOf =
  ({ broker }: RouteContext, scope: 'group' | 'topic'): Handler =>
  async (request, reply) => {
    const input = { scope, name: nameOf(scope, request) }
    reply.send(policyReply(await broker.call('delivery.policy', input, callerOf(request))))
  }

const setPolicy =
  ({ broker }: RouteContext, scope: 'group' | 'topic'): Handler =>
  async (request, reply) => {
    const change = changeOf(checkPolicy(parseJson(bodyText(request.body))))
    const input = { scope, name: nameOf(scope, request), change }
    try {
      reply.send(policyReply(await broker.call('delivery.setPolicy', input, callerOf(request))))
    } catch (error) {
      throw inWireWords(error)
    }
  }

const WIRE_NAMES = {
  visibilityMs: 'visibility_timeout',
  maxRetries: 'max_retries',
  backoffMs: 'backoff',
  backoffFactor: 'backoff_factor',
  backoffMsMax: 'backoff_max',
  backoffJitter: 'backoff_jitter',
  inFlightMax: 'max_in_flight',
  unresolvedMax: 'max_unresolved',
  priorityWeights: 'priority_weights',
  priorityBoostMs: 'priority_boost',
  lowLanesShareMax: 'low_lanes_share_max',
  ackDurability: 'ack_durability',
} as const satisfies Record<keyof DeliveryPolicy, keyof PolicyInput>

function changeOf(input: PolicyInput): PolicyChange {
  const change: Record<string, unknown> = {}
  for (const [name, wire] of Object.entries(WIRE_NAMES)) {
    const value = input[wire]
    if (value !== undefined) change[name] = value === null ? null : readSetting(wire, value)
  }
  return change
}

/** What cannot be read becomes what the policy refuses with a sentence of its own. */
function readSetting(wire: keyof PolicyInput, value: unknown): unknown {
  if (wire === 'priority_weights') return PRIORITIES.map((lane) => weightOf(value, lane))
  if (/^(?:visibility_timeout|priority_boost|backoff(?:_max)?)$/.test(wire)) {
    return parseDurationMs(value) ?? Number.NaN
  }
  return value
}

const weightOf = (weights: unknown, lane: PriorityName): unknown =>
  (weights as Readonly<Partial<Record<PriorityName, unknown>>>)[lane]

function inWireWords(error: unknown): unknown {
  if (!(error instanceof BrokerError) || error.fields === undefined) return error
  const wire = (name: string): string =>
    name in WIRE_NAMES ? WIRE_NAMES[name as keyof DeliveryPolicy] : name
  const fields = Object.fromEntries(
    Object.entries(error.fields).map(([name, text]) => [wire(name), text]),
  )
  const message = error.message.replace(/^\w+/, wire)
  return new BrokerError(error.code, message, { fields, cause: error })
}

function policyReply({ set, inForce }: PolicyView): PolicyReply {
  return { set: wordsOf(set), in_force: wordsOf(inForce) as PolicyReply['in_force'] }
}

function wordsOf(policy: Partial<DeliveryPolicy>): PolicyReply['set'] {
  const words: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(policy)) {
    const wire = WIRE_NAMES[name as keyof DeliveryPolicy]
    if (Array.isArray(value)) words[wire] = byPriority(value)
    else if (typeof value === 'number' && name.includes('Ms')) words[wire] = formatDurationMs(value)
    else words[wire] = value
  }
  return words as PolicyReply['set']
}

/** One for each lane, under its name. */
const byPriority = (values: readonly unknown[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(PRIORITIES.map((lane, i) => [lane, values[i]]))

function statsOf(figures: Operations['delivery.figures']['output']): ReliabilityStats {
  const { nextDeadlineMs } = figures
  return {
    acks_total: figures.acks,
    nacks_total: figures.nacks,
    rejects_total: figures.rejects,
    expired_total: figures.expiries,
    members_died_total: figures.deaths,
    commits_total: figures.commits,
    deliveries_total: figures.handedOut - figures.takenBack,
    dlq_messages: figures.deadLetters,
    dead_lettered_total: figures.buried,
    redriven_total: figures.redriven,
    visibility_extensions: figures.extensions,
    retention_skipped_total: figures.retentionSkipped,
    ack_manager: {
      in_flight: figures.inFlight,
      ready: figures.ready,
      waiting: figures.waiting,
      unresolved: figures.unresolved,
      partitions: figures.windows,
      polls_waiting: figures.pollsWaiting,
    },
    visibility_tracker: {
      leases: figures.inFlight,
      next_deadline: nextDeadlineMs === undefined ? null : formatTime(nextDeadlineMs),
    },
    dlq: {
      dying: figures.dying,
      messages: figures.deadLetters,
      tasks_running: figures.tasksRunning,
    },
  }
}
