/** What workers may be told, checked and completed. */
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Clock } from '../../kernel/platform.ts'
import { DAY_MS, HOUR_MS, KiB, MINUTE_MS, MiB, SECOND_MS } from '../../kernel/units.ts'
import { clientClock } from '../clientClock.ts'
import type { WorkMessage } from './message.ts'

export interface WorkContext {
  /**
   * Aborted when what the handler does is no longer wanted: it ran longer than `maxRuntimeMs`, the broker has given
   * the message to somebody else, or a close() ran out of time. What the handler does then changes nothing.
   */
  readonly signal: AbortSignal
}

/**
 * Returns (or resolves): the message is acknowledged. Throws (or rejects): it is handed out again after the group's
 * backoff, or is a dead letter where that was the last try; see {@link RetryLater} and {@link Reject}.
 */
export type WorkHandler = (message: WorkMessage, context: WorkContext) => unknown

/**
 * What became of a message, as the broker confirmed it. acked, rejected; nacked: it comes again; dead: that was the
 * last try; lost: its lease was over before the broker heard, and somebody else has it or had it.
 */
export type OutcomeKind = 'acked' | 'nacked' | 'rejected' | 'dead' | 'lost'

export interface WorkOutcome {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly deliveryCount: number
  readonly outcome: OutcomeKind
}

export interface WorkerWarning {
  /**
   * POLL_FAILED: the broker does not answer; asked again. SETTLE_FAILED: what handlers did cannot be told; told again.
   * RENEWAL_FAILED: leases cannot be renewed; tried again. HANDLER_TOO_LONG: its lease was let go. LEASE_LOST: a message
   * is somebody else's before its handler was done. CORRUPT_REPLY: bytes arrived damaged and were given back.
   * MEMBERSHIP_LOST: the group has evicted this member; it joins anew.
   */
  readonly code:
    | 'POLL_FAILED'
    | 'SETTLE_FAILED'
    | 'RENEWAL_FAILED'
    | 'HANDLER_TOO_LONG'
    | 'LEASE_LOST'
    | 'CORRUPT_REPLY'
    | 'MEMBERSHIP_LOST'
  readonly message: string
  readonly error?: BrokerError | undefined
}

export interface WorkerOptions {
  readonly group: string
  /** 1 to 100; those that do not exist are read once they do. */
  readonly topics: readonly string[]
  readonly handler: WorkHandler
  /** Handlers at work at once. 1 to 10,000, default 10. */
  readonly concurrency?: number
  /** Messages that wait here for a handler. 0 to 10,000, default `concurrency`. */
  readonly prefetch?: number
  /**
   * Of the handlers at work, the share that messages of the priorities low and background may keep; one of them may
   * always run. 0 to 1, default 0.75: slow background work never keeps all of them.
   */
  readonly lowLanesShareMax?: number
  /** A lease lasts so long, and is renewed until the handler is done, in milliseconds. 100 to 12 h, default 30,000. */
  readonly leaseMs?: number
  /** A handler may take so long, in milliseconds. 1 to 12 h, default 15 min. */
  readonly maxRuntimeMs?: number
  /** Default: the group's; of a new one `range`. With `shared` each worker gets messages of every partition. */
  readonly assignment?: 'range' | 'shared'
  /** Where a new group begins. Default `earliest`. */
  readonly offsetReset?: 'earliest' | 'latest'
  /** Outcomes that are told to the broker together. 1 to 10,000, default 500. */
  readonly ackBatch?: number
  /** How long an outcome waits for others, in milliseconds; not at all where nothing else is at work. Default 5. */
  readonly ackLingerMs?: number
  /** Bytes that one poll asks for. 1 KiB to 16 MiB, default 1 MiB; one message comes even where it is larger. */
  readonly fetchBytes?: number
  /** How long the broker holds a poll back while there is nothing, in milliseconds. 0 to 60,000, default 20,000. */
  readonly pollWaitMs?: number
  /** Ends by itself when a poll finds nothing and no handler is at work. Default false. */
  readonly untilEmpty?: boolean
  /** Names the client in the member id. 1 to 200 characters, default `goqueue-js`. */
  readonly clientId?: string
  /** Silence that ends the membership, in milliseconds. 1,000 to 1,800,000, default 30,000. */
  readonly sessionTimeoutMs?: number
  /** Default 3,000; less than the session timeout. */
  readonly heartbeatMs?: number
  /** Longest wait for a reply, in milliseconds, `pollWaitMs` not counted. Default 30,000. */
  readonly requestTimeoutMs?: number
  /** Wait before the first retry, in milliseconds; doubled up to retryBackoffMaxMs, ±20 %. Default 100. */
  readonly retryBackoffMs?: number
  /** Default 5,000. */
  readonly retryBackoffMaxMs?: number
  /** Aborting it closes the worker. */
  readonly signal?: AbortSignal
  /** Called for each message once the broker has confirmed its outcome. */
  readonly onOutcome?: (outcome: WorkOutcome) => void
  /** Default: `process.emitWarning`. */
  readonly onWarning?: (warning: WorkerWarning) => void
  readonly clock?: Clock
  /** A number in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

type Optional = 'signal' | 'onOutcome' | 'assignment'
export type WorkerSettings = Required<Omit<WorkerOptions, Optional>> & {
  readonly [K in Optional]: WorkerOptions[K] | undefined
}

const DEFAULTS = {
  concurrency: 10,
  lowLanesShareMax: 0.75,
  leaseMs: 30 * SECOND_MS,
  maxRuntimeMs: 15 * MINUTE_MS,
  assignment: undefined,
  offsetReset: 'earliest' as const,
  ackBatch: 500,
  ackLingerMs: 5,
  fetchBytes: MiB,
  pollWaitMs: 20 * SECOND_MS,
  untilEmpty: false,
  clientId: 'goqueue-js',
  sessionTimeoutMs: 30 * SECOND_MS,
  heartbeatMs: 3 * SECOND_MS,
  requestTimeoutMs: 30 * SECOND_MS,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 5 * SECOND_MS,
  signal: undefined,
  onOutcome: undefined,
  onWarning: ({ message, code }: WorkerWarning) =>
    process.emitWarning(message, { type: 'GoqueueWarning', code }),
  clock: clientClock,
  random: Math.random,
}

const PLACES_MAX = 10_000
const LEASE_MS_MAX = 12 * HOUR_MS

const boundsOf = (settings: WorkerSettings): Record<string, readonly [number, number]> => ({
  concurrency: [1, PLACES_MAX],
  prefetch: [0, PLACES_MAX],
  lowLanesShareMax: [0, 1],
  leaseMs: [100, LEASE_MS_MAX],
  maxRuntimeMs: [1, LEASE_MS_MAX],
  ackBatch: [1, PLACES_MAX],
  ackLingerMs: [0, MINUTE_MS],
  fetchBytes: [KiB, LIMITS.readBytesMax],
  pollWaitMs: [0, LIMITS.longPollMsMax],
  sessionTimeoutMs: [LIMITS.sessionTimeoutMsMin, LIMITS.sessionTimeoutMsMax],
  heartbeatMs: [1, settings.sessionTimeoutMs - 1],
  requestTimeoutMs: [1, DAY_MS],
  retryBackoffMs: [0, DAY_MS],
  retryBackoffMaxMs: [0, DAY_MS],
})

/** Throws INVALID_CONFIG with every option that is out of its bounds. */
export function workerSettings(options: WorkerOptions): WorkerSettings {
  const given: WorkerOptions = { ...options }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) Reflect.deleteProperty(given, name)
  }
  const { concurrency = DEFAULTS.concurrency, sessionTimeoutMs = DEFAULTS.sessionTimeoutMs } = given
  const heartbeatMs = Math.min(DEFAULTS.heartbeatMs, sessionTimeoutMs / 4)
  const settings = { ...DEFAULTS, prefetch: concurrency, heartbeatMs, ...given }
  const values: Readonly<Record<string, unknown>> = { ...settings }
  const fields: Record<string, string> = {}
  for (const [name, [min, max]] of Object.entries(boundsOf(settings))) {
    const value = Number(values[name])
    if (!(value >= min && value <= max)) fields[name] = `must be ${min} to ${max}, is ${value}`
  }
  if (Object.keys(fields).length === 0) return settings
  throw new BrokerError('INVALID_CONFIG', 'worker options out of bounds', { fields })
}
