/** What a group or a topic may set about deliveries. A group's word counts before a topic's, setting by setting. */
import { BrokerError } from '../../kernel/errors.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../kernel/units.ts'
import {
  DEFAULT_BOOST_MS,
  DEFAULT_LANE_WEIGHTS,
  LANES,
  type LaneWeights,
} from '../../scheduling/index.ts'
import type { CommitAcks } from '../../state/index.ts'

export interface DeliveryPolicy {
  /** How long a lease lasts where the poll does not say, in milliseconds. Default 30 s, at most 12 h. */
  readonly visibilityMs: number
  /** Failures that are forgiven: the next one dead-letters. Default 3. */
  readonly maxRetries: number
  /** Wait after the first failure, in milliseconds. Default 1 s. */
  readonly backoffMs: number
  /** What the wait is multiplied by with each further failure. Default 2. */
  readonly backoffFactor: number
  /** The longest wait, in milliseconds. Default 60 s. */
  readonly backoffMsMax: number
  /** Part of the wait that is left to chance, both ways. Default 0.1. */
  readonly backoffJitter: number
  /** Records that one member may hold. Default 1,000. */
  readonly inFlightMax: number
  /** Records of one partition that may be handed out and not settled. Default 10,000. */
  readonly unresolvedMax: number
  /** Of each lane, `critical` first, how many records it gets in a round. Default 50, 25, 15, 7, 3. */
  readonly priorityWeights: LaneWeights
  /** A lane that holds something and was not served for so long gets the next turn, in milliseconds. Default 30 s. */
  readonly priorityBoostMs: number
  /** The share of a group's slots that the two lowest lanes may hold together. Default 0.75. */
  readonly lowLanesShareMax: number
  /**
   * What a hand-out, an ack (nack, reject, extension) and a commit wait for before the reply: `leader` survives a crash
   * of the process, `all` one of the machine. Default `leader`.
   */
  readonly ackDurability: CommitAcks
}

/** A lease ends at the latest this long after its hand-out, however often it is extended. */
export const LEASE_MS_MAX = 12 * HOUR_MS

export const DEFAULT_DELIVERY_POLICY: DeliveryPolicy = {
  visibilityMs: 30 * SECOND_MS,
  maxRetries: 3,
  backoffMs: 1 * SECOND_MS,
  backoffFactor: 2,
  backoffMsMax: MINUTE_MS,
  backoffJitter: 0.1,
  inFlightMax: 1_000,
  unresolvedMax: 10_000,
  priorityWeights: DEFAULT_LANE_WEIGHTS,
  priorityBoostMs: DEFAULT_BOOST_MS,
  lowLanesShareMax: 0.75,
  ackDurability: 'leader',
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly isInteger: boolean
}

const integer = (min: number, max: number): Bounds => ({ min, max, isInteger: true })

type Measured = Exclude<keyof DeliveryPolicy, 'ackDurability'>

/** Of a list those of each of its members. */
const BOUNDS: Readonly<Record<Measured, Bounds>> = {
  visibilityMs: integer(1, LEASE_MS_MAX),
  maxRetries: integer(0, 1_000),
  backoffMs: integer(0, DAY_MS),
  backoffFactor: { min: 1, max: 100, isInteger: false },
  backoffMsMax: integer(0, 7 * DAY_MS),
  backoffJitter: { min: 0, max: 1, isInteger: false },
  inFlightMax: integer(1, 100_000),
  unresolvedMax: integer(1, 100_000),
  priorityWeights: integer(1, 1_000),
  priorityBoostMs: integer(1, DAY_MS),
  lowLanesShareMax: { min: 0, max: 1, isInteger: false },
}

export type PolicyChange = {
  readonly [K in keyof DeliveryPolicy]?: DeliveryPolicy[K] | null | undefined
}

type Changing = { -readonly [K in keyof DeliveryPolicy]?: unknown }

/** `base` with `change` laid over it; null takes a setting back. Throws INVALID_CONFIG with `fields`. */
export function changedPolicy(
  base: Partial<DeliveryPolicy>,
  change: PolicyChange,
): Partial<DeliveryPolicy> {
  const fields: Record<string, string> = {}
  const policy: Changing = { ...base }
  for (const [name, value] of Object.entries(change)) {
    const problem = isSetting(name) ? changeSetting(policy, name, value) : NO_SETTING
    if (problem !== undefined) fields[name] = problem
  }
  const [first] = Object.entries(fields)
  if (first === undefined) return policy as Partial<DeliveryPolicy>
  throw new BrokerError('INVALID_CONFIG', `${first[0]} ${first[1]}`, { fields })
}

const NO_SETTING = `is no setting: ${Object.keys(DEFAULT_DELIVERY_POLICY).join(', ')} are`

const isSetting = (name: string): name is keyof DeliveryPolicy =>
  Object.hasOwn(DEFAULT_DELIVERY_POLICY, name)

const isDurability = (value: unknown): value is CommitAcks => value === 'leader' || value === 'all'

/** What is wrong with the value; undefined where the setting has it now. */
function changeSetting(
  policy: Changing,
  name: keyof DeliveryPolicy,
  value: unknown,
): string | undefined {
  if (value === undefined) return undefined
  const problem = value === null ? undefined : problemOf(name, value)
  if (problem !== undefined) return problem
  if (value === null) delete policy[name]
  else policy[name] = Array.isArray(value) ? [...value] : value
  return undefined
}

function problemOf(name: keyof DeliveryPolicy, value: unknown): string | undefined {
  if (name === 'ackDurability') return isDurability(value) ? undefined : 'must be leader or all'
  const bounds = BOUNDS[name]
  const range = `from ${bounds.min} to ${bounds.max}`
  if (name === 'priorityWeights') {
    if (areWeights(value, bounds)) return undefined
    return `must be ${LANES} integers ${range}, one for each lane`
  }
  if (fits(value, bounds)) return undefined
  return `must be ${bounds.isInteger ? 'an integer' : 'a number'} ${range}`
}

const areWeights = (value: unknown, bounds: Bounds): value is readonly number[] =>
  Array.isArray(value) && value.length === LANES && value.every((each) => fits(each, bounds))

const fits = (value: unknown, { min, max, isInteger }: Bounds): boolean =>
  typeof value === 'number' &&
  value >= min &&
  value <= max &&
  (!isInteger || Number.isInteger(value))

/** How long a record waits after its failure number `failures`; `chance` is in [0, 1). */
export function backoffMs(policy: DeliveryPolicy, failures: number, chance: number): number {
  const grown = policy.backoffMs * policy.backoffFactor ** (failures - 1)
  const waitMs = Math.min(grown, policy.backoffMsMax)
  return Math.round(waitMs * (1 + policy.backoffJitter * (2 * chance - 1)))
}
