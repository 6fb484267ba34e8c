/** What a group or a topic may set about deliveries. A group's word counts before a topic's, setting by setting. */
import { BrokerError } from '../../kernel/errors.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../kernel/units.ts'

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
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly isInteger: boolean
}

const integer = (min: number, max: number): Bounds => ({ min, max, isInteger: true })

export const POLICY_BOUNDS: Readonly<Record<keyof DeliveryPolicy, Bounds>> = {
  visibilityMs: integer(1, LEASE_MS_MAX),
  maxRetries: integer(0, 1_000),
  backoffMs: integer(0, DAY_MS),
  backoffFactor: { min: 1, max: 100, isInteger: false },
  backoffMsMax: integer(0, 7 * DAY_MS),
  backoffJitter: { min: 0, max: 1, isInteger: false },
  inFlightMax: integer(1, 100_000),
  unresolvedMax: integer(1, 100_000),
}

export type PolicyChange = { readonly [K in keyof DeliveryPolicy]?: number | null | undefined }

/** `base` with `change` laid over it; null takes a setting back. Throws INVALID_CONFIG with `fields`. */
export function changedPolicy(
  base: Partial<DeliveryPolicy>,
  change: PolicyChange,
): Partial<DeliveryPolicy> {
  const fields: Record<string, string> = {}
  const policy: { -readonly [K in keyof DeliveryPolicy]?: number } = { ...base }
  for (const [name, value] of Object.entries(change)) {
    const problem = isSetting(name) ? changeSetting(policy, name, value) : NO_SETTING
    if (problem !== undefined) fields[name] = problem
  }
  const [first] = Object.entries(fields)
  if (first === undefined) return policy
  throw new BrokerError('INVALID_CONFIG', `${first[0]} ${first[1]}`, { fields })
}

const NO_SETTING = `is no setting: ${Object.keys(POLICY_BOUNDS).join(', ')} are`

const isSetting = (name: string): name is keyof DeliveryPolicy => Object.hasOwn(POLICY_BOUNDS, name)

/** What is wrong with the value; undefined where the setting has it now. */
function changeSetting(
  policy: { -readonly [K in keyof DeliveryPolicy]?: number },
  name: keyof DeliveryPolicy,
  value: number | null | undefined,
): string | undefined {
  const bounds = POLICY_BOUNDS[name]
  if (value === undefined) return undefined
  if (value === null) delete policy[name]
  else if (fits(value, bounds)) policy[name] = value
  else {
    const kind = bounds.isInteger ? 'an integer' : 'a number'
    return `must be ${kind} from ${bounds.min} to ${bounds.max}`
  }
  return undefined
}

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
