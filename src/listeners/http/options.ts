/** What the listener needs from outside, and what an operator may set. */
import type { BrokerPort } from '../../broker/index.ts'
import type { ApiKey } from '../../kernel/apiKey.ts'
import type { HealthCheck } from '../../kernel/health.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Platform } from '../../kernel/platform.ts'
import { KiB, MiB, SECOND_MS } from '../../kernel/units.ts'
import type { BackupBytes } from './backupRoute.ts'

export interface BuildInfo {
  readonly version: string
  readonly gitCommit?: string | undefined
  /** RFC 3339. */
  readonly buildTime?: string | undefined
}

/** The metrics of the whole process, as a scraper reads them. */
export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

export interface HttpListenerParts {
  readonly broker: BrokerPort
  readonly platform: Platform
  readonly build: BuildInfo
  /** What `/metrics` answers; without it an empty page. */
  readonly metrics?: MetricsText | undefined
  /** Checks for `/readyz` and `/health` beside those of the listener itself. */
  readonly health?: (() => readonly HealthCheck[]) | undefined
  /** Told of an error that is no operating error: the process should not go on. The request is answered 500. */
  readonly onFatal?: ((error: unknown) => void) | undefined
  readonly options?: Partial<HttpListenerOptions> | undefined
  readonly credentials?: Credentials | undefined
  /** Begins a backup; without it there is none to be had. */
  readonly backup?: (() => Promise<BackupBytes>) | undefined
}

/** What guards the door. Both may be replaced while it is open. */
export interface Credentials {
  /** Who may ask; empty: everybody. */
  readonly apiKeys: readonly ApiKey[]
  /** PEM; without it plain HTTP is spoken. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined
}

export interface HttpListenerOptions {
  /** Default 127.0.0.1. */
  readonly host: string
  /** Default 8080; 0 takes any free one. */
  readonly port: number
  /** Origins whose pages may call; `*` allows all. Default none: no CORS headers at all. */
  readonly corsOrigins: readonly string[]
  /** One request body in bytes; a larger one is 413. Default 32 MiB. */
  readonly bodyBytesMax: number
  /** Open connections; one more is answered 503 and closed. Default 10,000. */
  readonly connectionsMax: number
  /** Requests under way, long polls that wait not counted; one more is 503. Default 10,000. */
  readonly requestsMax: number
  /** Long polls that wait; one more is 503. Default 10,000. */
  readonly longPollsMax: number
  /** Bodies on their way in and replies on their way out together, in bytes; then 503. Default 256 MiB. */
  readonly bytesInFlightMax: number
  /** Longest time for a request to arrive as a whole, in milliseconds; then 408. Default 30 s. */
  readonly requestTimeoutMs: number
  /** Longest time from its arrival to its answer, in milliseconds, a long poll's wait not counted; then 408. Default 30 s. */
  readonly answerTimeoutMs: number
  /** How long an idle connection is kept, in milliseconds. Default 72 s. */
  readonly keepAliveTimeoutMs: number
  /** How long a connection may neither take nor give a byte, in milliseconds. Default 120 s, above the longest poll. */
  readonly stallTimeoutMs: number
  /** Longest stop, in milliseconds: then what is still under way is cut off. Default 5 s. */
  readonly stopTimeoutMs: number
}

export const DEFAULT_HTTP_OPTIONS: HttpListenerOptions = {
  host: '127.0.0.1',
  port: 8080,
  corsOrigins: [],
  bodyBytesMax: LIMITS.batchBytesMax,
  connectionsMax: 10_000,
  requestsMax: 10_000,
  longPollsMax: 10_000,
  bytesInFlightMax: 256 * MiB,
  requestTimeoutMs: 30 * SECOND_MS,
  answerTimeoutMs: 30 * SECOND_MS,
  keepAliveTimeoutMs: 72 * SECOND_MS,
  stallTimeoutMs: 2 * LIMITS.longPollMsMax,
  stopTimeoutMs: 5 * SECOND_MS,
}

/** Outer bounds that are not for setting. */
export const HTTP_LIMITS = {
  /** Request line and headers in bytes; more is 431. */
  headerBytesMax: 16 * KiB,
  /** Path parameters in characters, decoded. */
  paramCharsMax: 1024,
  /** Body of a request that is not a publish, in bytes. */
  controlBodyBytesMax: 1 * MiB,
  /** JSON of one read, in bytes; it ends early rather than exceed this, unless one message alone does. */
  jsonReplyBytesMax: 32 * MiB,
} as const
