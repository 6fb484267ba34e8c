/** What consumers may be told, checked and completed. */
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Clock } from '../../kernel/platform.ts'
import { KiB, MINUTE_MS, MiB, SECOND_MS } from '../../kernel/units.ts'
import { clientClock } from '../clientClock.ts'

export interface ConsumerWarning {
  /**
   * FETCH_FAILED: the broker does not answer; asked again. PARTITION_FAILED: one partition cannot be read; asked again.
   * OFFSET_RESET: the position is no longer in the log; the consumer goes on at its start or end.
   * CORRUPT_REPLY: bytes arrived damaged; fetched once more. COMMIT_FAILED: an automatic commit was refused.
   * MEMBERSHIP_LOST: the group has evicted this member; it joins anew.
   */
  readonly code:
    | 'FETCH_FAILED'
    | 'PARTITION_FAILED'
    | 'OFFSET_RESET'
    | 'CORRUPT_REPLY'
    | 'COMMIT_FAILED'
    | 'MEMBERSHIP_LOST'
  readonly message: string
  readonly error?: BrokerError | undefined
}

export interface ReadingOptions {
  /** Bytes that one fetch asks for. 1 to 16 MiB, default 1 MiB; one record comes even where it is larger. */
  readonly fetchBytes?: number
  /** Bytes that came and that no handler is done with; no fetch begins that could exceed it. Default 8 MiB. */
  readonly prefetchBytes?: number
  /** How long the broker holds a fetch back while there is nothing, in milliseconds. 0 to 60,000, default 20,000. */
  readonly fetchWaitMs?: number
  /** Longest wait for a reply, in milliseconds, `fetchWaitMs` not counted. Default 30,000. */
  readonly requestTimeoutMs?: number
  /** Wait before the first retry, in milliseconds; doubled up to retryBackoffMaxMs, ±20 %. Default 100. */
  readonly retryBackoffMs?: number
  /** Default 5,000. */
  readonly retryBackoffMaxMs?: number
  /** Where to go on when the position is no longer in the log. Default `earliest`; `fail` ends the consumer. */
  readonly offsetReset?: 'earliest' | 'latest' | 'fail'
  /** Aborting it closes the consumer. */
  readonly signal?: AbortSignal
  /** Default: `process.emitWarning`. */
  readonly onWarning?: (warning: ConsumerWarning) => void
  readonly clock?: Clock
  /** A number in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

export type ReadingSettings = Required<Omit<ReadingOptions, 'signal'>> & {
  readonly signal: AbortSignal | undefined
}

const DEFAULTS: ReadingSettings = {
  fetchBytes: MiB,
  prefetchBytes: 8 * MiB,
  fetchWaitMs: 20 * SECOND_MS,
  requestTimeoutMs: 30 * SECOND_MS,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 5 * SECOND_MS,
  offsetReset: 'earliest',
  signal: undefined,
  onWarning: ({ message, code }) => process.emitWarning(message, { type: 'GoqueueWarning', code }),
  clock: clientClock,
  random: Math.random,
}

type Bounds = Readonly<Record<string, readonly [min: number, max: number]>>
const DAY_MS = 24 * 60 * MINUTE_MS
const BOUNDS: Bounds = {
  fetchBytes: [1, LIMITS.readBytesMax],
  prefetchBytes: [1 * KiB, Number.MAX_SAFE_INTEGER],
  fetchWaitMs: [0, LIMITS.longPollMsMax],
  requestTimeoutMs: [1, DAY_MS],
  retryBackoffMs: [0, DAY_MS],
  retryBackoffMaxMs: [0, DAY_MS],
}

/** Throws INVALID_CONFIG with every option that is out of its bounds. */
export function readingSettings(options: ReadingOptions): ReadingSettings {
  const settings: ReadingSettings = { ...DEFAULTS, ...definedOf(options) }
  checkBounds({ ...settings }, BOUNDS)
  return { ...settings, fetchBytes: Math.min(settings.fetchBytes, settings.prefetchBytes) }
}

export interface MemberOptions {
  /** Names the client in the member id. 1 to 200 characters, default `goqueue-js`. */
  readonly clientId?: string
  /** Of a member that comes back within its session: it gets its partitions back without a rebalance. */
  readonly memberId?: string
  /** Silence that ends the membership, in milliseconds. 1,000 to 1,800,000, default 30,000. */
  readonly sessionTimeoutMs?: number
  /** Default 3,000; less than the session timeout. */
  readonly heartbeatMs?: number
  /** What handlers are done with is committed so often, in milliseconds; 0 commits never by itself. Default 5,000. */
  readonly autoCommitMs?: number
}

export type MemberSettings = Required<Omit<MemberOptions, 'memberId'>> & {
  readonly memberId: string | undefined
}

const MEMBER_DEFAULTS: MemberSettings = {
  clientId: 'goqueue-js',
  memberId: undefined,
  sessionTimeoutMs: 30 * SECOND_MS,
  heartbeatMs: 3 * SECOND_MS,
  autoCommitMs: 5 * SECOND_MS,
}

/** Throws INVALID_CONFIG with every option that is out of its bounds. */
export function memberSettings(options: MemberOptions): MemberSettings {
  const settings: MemberSettings = { ...MEMBER_DEFAULTS, ...definedOf(options) }
  checkBounds(
    { ...settings },
    {
      sessionTimeoutMs: [LIMITS.sessionTimeoutMsMin, LIMITS.sessionTimeoutMsMax],
      heartbeatMs: [1, settings.sessionTimeoutMs - 1],
      autoCommitMs: [0, DAY_MS],
    },
  )
  return settings
}

const definedOf = <T extends object>(options: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<T>

function checkBounds(settings: Readonly<Record<string, unknown>>, bounds: Bounds): void {
  const fields: Record<string, string> = {}
  for (const [name, [min, max]] of Object.entries(bounds)) {
    const value = Number(settings[name])
    if (!(value >= min && value <= max)) fields[name] = `must be ${min} to ${max}, is ${value}`
  }
  if (Object.keys(fields).length === 0) return
  throw new BrokerError('INVALID_CONFIG', 'consumer options out of bounds', { fields })
}
