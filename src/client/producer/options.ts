/** What a producer may be told, checked and completed. */
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Clock } from '../../kernel/platform.ts'
import { KiB, MINUTE_MS, MiB, SECOND_MS } from '../../kernel/units.ts'
import { clientClock } from '../clientClock.ts'
import type { ClientAcks } from '../records.ts'

export interface ProducerWarning {
  /**
   * PRODUCER_RESET: the broker no longer knew this producer and took its batch as a new start.
   * SEQUENCE_GAP: the broker lost acknowledged records, or refused some; the producer went on in a new epoch.
   */
  readonly code: 'PRODUCER_RESET' | 'SEQUENCE_GAP'
  readonly message: string
  readonly topic: string
  readonly partition: number
}

export interface ProducerOptions {
  /** What a delivery waits for: none, leader (page cache) or all (disk). Default `all`. */
  readonly acks?: ClientAcks
  /** A batch sent twice is stored once. Default true; without it one batch per partition is under way at a time. */
  readonly idempotent?: boolean
  /** Messages of one partition that make a batch due. 1 to 100,000, default 100. */
  readonly batchMessages?: number
  /** Bytes of one partition that make a batch due. Default 64 KiB. */
  readonly batchBytes?: number
  /** Bytes up to which a batch grows while it waits for its turn. At least batchBytes, default 256 KiB, at most 32 MiB. */
  readonly requestBytes?: number
  /** How long a message may wait for company, in milliseconds; 0 waits only while a request is under way. Default 5. */
  readonly lingerMs?: number
  /** Batches of one partition under way at once. 1 to 5, default 5. */
  readonly inFlightMax?: number
  /** Bytes held for messages that are not delivered yet; when they are used up, send() waits. Default 32 MiB. */
  readonly bufferBytes?: number
  /** Calls that may wait for room or for a topic's description. Default 100,000. */
  readonly waitersMax?: number
  /** How long a call may wait for room or for a topic's description, in milliseconds. Default 60,000. */
  readonly maxBlockMs?: number
  /** From send() to the answer with all retries, in milliseconds. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** Longest wait for one reply, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number
  /** Wait before the first retry, in milliseconds; doubled up to retryBackoffMaxMs, ±20 %. Default 100. */
  readonly retryBackoffMs?: number
  /** Default 1,000. */
  readonly retryBackoffMaxMs?: number
  /** Age in milliseconds at which a topic's description is asked for again. Default 300,000. */
  readonly metadataMaxAgeMs?: number
  /** Default: `process.emitWarning`. */
  readonly onWarning?: (warning: ProducerWarning) => void
  readonly clock?: Clock
  /** A number in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

export type ProducerSettings = Required<ProducerOptions>

const IN_FLIGHT_MAX = 5
const DAY_MS = 24 * 60 * MINUTE_MS

const DEFAULTS: ProducerSettings = {
  acks: 'all',
  idempotent: true,
  batchMessages: 100,
  batchBytes: 64 * KiB,
  requestBytes: 256 * KiB,
  lingerMs: 5,
  inFlightMax: IN_FLIGHT_MAX,
  bufferBytes: 32 * MiB,
  waitersMax: 100_000,
  maxBlockMs: MINUTE_MS,
  deliveryTimeoutMs: 2 * MINUTE_MS,
  requestTimeoutMs: 30 * SECOND_MS,
  retryBackoffMs: 100,
  retryBackoffMaxMs: SECOND_MS,
  metadataMaxAgeMs: 5 * MINUTE_MS,
  onWarning: ({ message, code }) => process.emitWarning(message, { type: 'GoqueueWarning', code }),
  clock: clientClock,
  random: Math.random,
}

type Bounds = readonly [min: number, max: number]
const BOUNDS = {
  batchMessages: [1, LIMITS.batchRecordsMax],
  batchBytes: [1, LIMITS.batchBytesMax],
  requestBytes: [1, LIMITS.batchBytesMax],
  lingerMs: [0, DAY_MS],
  inFlightMax: [1, IN_FLIGHT_MAX],
  bufferBytes: [1 * KiB, Number.MAX_SAFE_INTEGER],
  waitersMax: [0, Number.MAX_SAFE_INTEGER],
  maxBlockMs: [0, DAY_MS],
  deliveryTimeoutMs: [1, DAY_MS],
  requestTimeoutMs: [1, DAY_MS],
  retryBackoffMs: [0, DAY_MS],
  retryBackoffMaxMs: [0, DAY_MS],
  metadataMaxAgeMs: [1, DAY_MS],
} as const satisfies Partial<Record<keyof ProducerSettings, Bounds>>

/** Throws INVALID_CONFIG with every option that is out of its bounds. */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const settings: ProducerSettings = { ...DEFAULTS, ...Object.fromEntries(given) }
  const fields: Record<string, string> = {}
  for (const [name, [min, max]] of Object.entries(BOUNDS)) {
    const value = settings[name as keyof typeof BOUNDS]
    if (!(value >= min && value <= max)) fields[name] = `must be ${min} to ${max}, is ${value}`
  }
  if (!['none', 'leader', 'all'].includes(settings.acks)) {
    fields['acks'] = `must be none, leader or all, is ${settings.acks}`
  }
  if (Object.keys(fields).length > 0) {
    throw new BrokerError('INVALID_CONFIG', 'producer options out of bounds', { fields })
  }
  return {
    ...settings,
    requestBytes: Math.max(settings.requestBytes, settings.batchBytes),
    inFlightMax: settings.idempotent ? settings.inFlightMax : 1,
  }
}
