/**
 * Every setting of the daemon, declared once: type, default, bounds and meaning. Validation, the names of the
 * `GOQUEUE_*` variables and flags, `goqueue config` and docs/configuration.md all come from this object.
 *
 * Inside, a name carries its unit (`syncIntervalMs`); outside, where values are written with their unit, the
 * name drops the milliseconds: `sync-interval: 1s` in a file, `GOQUEUE_SYNC_INTERVAL`, `--sync-interval`.
 */
import Type, { type Static } from 'typebox'
import { LIMITS } from '../kernel/limits.ts'
import { DAY_MS, GiB, HOUR_MS, KiB, MINUTE_MS, MiB, SECOND_MS } from '../kernel/units.ts'
import { deliverySettings } from './deliverySettings.ts'
import { choice, duration, integer, list, orNone, type Spec, size, text } from './kinds.ts'

const listening = { section: 'Listening' }
const access = { section: 'Access' }
const storage = { section: 'Storage' }
const topics = { section: 'Topics and groups' }
const logging = { section: 'Logging' }

export const SettingsSchema = Type.Object(
  {
    host: text({
      ...listening,
      default: '127.0.0.1',
      description: 'Address to listen on; 0.0.0.0 or :: listens on all of them.',
    }),
    port: integer({
      ...listening,
      default: 8080,
      minimum: 0,
      maximum: 65_535,
      description: 'TCP port to listen on; 0 takes any free one and prints it.',
    }),
    corsOrigins: list({
      ...listening,
      description: 'Origins whose pages may call the API; * allows all, an empty list none.',
    }),
    maxBodyBytes: size({
      ...listening,
      default: LIMITS.batchBytesMax,
      minimum: 1 * KiB,
      maximum: LIMITS.batchBytesMax,
      description: 'Largest request body, in bytes; a larger one is answered 413.',
    }),
    requestTimeoutMs: duration({
      ...listening,
      default: 30 * SECOND_MS,
      minimum: 1 * SECOND_MS,
      maximum: 10 * MINUTE_MS,
      description:
        'Longest time a request may take to arrive, in milliseconds; then it is answered 408.',
    }),
    answerTimeoutMs: duration({
      ...listening,
      default: 30 * SECOND_MS,
      minimum: 1 * SECOND_MS,
      maximum: 10 * MINUTE_MS,
      description:
        'Longest time, in milliseconds, to an answer, a long poll left aside; then it is 408.',
    }),
    maxConnections: integer({
      ...listening,
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'Connections open at once; one more is answered 503 and closed.',
    }),
    maxRequests: integer({
      ...listening,
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'Requests under way at once, long polls left aside; one more is answered 503.',
    }),
    maxLongPolls: integer({
      ...listening,
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'Long polls that may wait at once; one more is answered 503.',
    }),
    maxInFlightBytes: size({
      ...listening,
      default: 256 * MiB,
      minimum: 64 * MiB,
      maximum: 64 * GiB,
      description:
        'Memory for bodies on their way in and out, in bytes; beyond it requests get 503.',
    }),
    apiKeys: list({
      ...access,
      isSecret: true,
      description:
        'API keys, as `name:key` or bare, 16 characters or more each; then every call needs one.',
    }),
    apiKeysFile: text({
      ...access,
      default: '',
      description: 'File of further API keys: one a line, `name: key` or bare; # for comments.',
    }),
    tlsCertFile: text({
      ...access,
      default: '',
      description: 'Certificate, in PEM, with those above it; then HTTPS is spoken, and no HTTP.',
    }),
    tlsKeyFile: text({
      ...access,
      default: '',
      description: 'Private key of the certificate, in PEM.',
    }),
    dataDir: text({
      ...storage,
      default: 'data',
      description:
        'Directory that holds everything; made where it is missing. One daemon at a time.',
    }),
    syncIntervalMs: duration({
      ...storage,
      default: 1 * SECOND_MS,
      minimum: 1,
      maximum: 60 * SECOND_MS,
      description:
        'Longest time a record published with acks none or leader stays unsynced, in milliseconds.',
    }),
    tailCacheBytes: size({
      ...storage,
      default: 16 * MiB,
      minimum: 0,
      maximum: 64 * GiB,
      description: 'Memory for the newest records of all partitions together, in bytes.',
    }),
    indexCacheBytes: size({
      ...storage,
      default: 16 * MiB,
      minimum: 0,
      maximum: 64 * GiB,
      description: 'Memory for indexes of sealed segments of all partitions together, in bytes.',
    }),
    maxQueuedBytes: size({
      ...storage,
      default: 64 * MiB,
      minimum: LIMITS.batchBytesMax,
      maximum: 64 * GiB,
      description:
        'Memory for records that wait to be written, in bytes; beyond it publishes get 503.',
    }),
    maxOpenFiles: integer({
      ...storage,
      default: 1024,
      minimum: 16,
      maximum: 1_000_000,
      description: 'Files of segments and indexes held open at once.',
    }),
    verify: choice(['tail', 'all'], {
      ...storage,
      default: 'tail',
      description:
        'What is read at the start after a crash: the ends of the logs, or every record of them.',
    }),
    partitions: integer({
      ...topics,
      default: 3,
      minimum: 1,
      maximum: LIMITS.topicPartitionsMax,
      description: 'Partitions of a topic that does not say how many.',
    }),
    retentionMs: orNone('duration', {
      ...topics,
      default: 168 * HOUR_MS,
      minimum: 1,
      maximum: 36_500 * DAY_MS,
      description:
        'Of a topic that does not say: age, in milliseconds, at which sealed segments are removed.',
    }),
    retentionBytes: orNone('size', {
      ...topics,
      default: null,
      minimum: 1 * KiB,
      maximum: 1024 * 1024 * GiB,
      description:
        'Of a topic that does not say: size of a partition, in bytes, above which its oldest go.',
    }),
    segmentBytes: size({
      ...topics,
      default: 64 * MiB,
      minimum: LIMITS.segmentBytesMin,
      maximum: LIMITS.segmentBytesMax,
      description:
        'Of a topic that does not say: size, in bytes, at which the next segment is begun.',
    }),
    maxRecordBytes: size({
      ...topics,
      default: 1 * MiB,
      minimum: 1 * KiB,
      maximum: LIMITS.recordBytesMax,
      description:
        'Of a topic that does not say: largest record (header, key, value), in bytes; beyond it 413.',
    }),
    retentionIntervalMs: duration({
      ...topics,
      default: 1 * MINUTE_MS,
      minimum: 1 * SECOND_MS,
      maximum: 1 * DAY_MS,
      description: 'How often, in milliseconds, old segments are looked for.',
    }),
    maxTopics: integer({
      ...topics,
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'Topics of the broker; one more is refused with LIMIT_REACHED.',
    }),
    maxPartitions: integer({
      ...topics,
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'Partitions of all topics together; one more is refused with LIMIT_REACHED.',
    }),
    maxDelayedMessages: integer({
      ...topics,
      default: 10_000_000,
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'Delayed messages that may wait; one more is refused with LIMIT_REACHED.',
    }),
    groupRetentionMs: duration({
      ...topics,
      default: 7 * DAY_MS,
      minimum: 1 * MINUTE_MS,
      maximum: 36_500 * DAY_MS,
      description:
        'How long, in milliseconds, a group without members is kept after it was last used.',
    }),
    ...deliverySettings,
    logLevel: choice(['debug', 'info', 'warn', 'error', 'silent'], {
      ...logging,
      default: 'info',
      description: 'The least severe level that is logged.',
    }),
    logFormat: choice(['auto', 'pretty', 'json'], {
      ...logging,
      default: 'auto',
      description: 'How logs are written; auto is pretty on a terminal and JSON lines elsewhere.',
    }),
  },
  { additionalProperties: false },
)

export type Settings = Static<typeof SettingsSchema>
export type SettingName = keyof Settings

export interface Setting {
  readonly name: SettingName
  /** The name in a file and, behind `--`, on the command line: `data-dir`. */
  readonly key: string
  /** The environment variable: `GOQUEUE_DATA_DIR`. */
  readonly variable: string
  readonly spec: Spec
}

const keyOf = (name: string): string =>
  name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const variableOf = (name: string): string =>
  `GOQUEUE_${keyOf(name).replaceAll('-', '_')}`.toUpperCase()

/** All settings in the order of their documentation. */
export const SETTINGS: readonly Setting[] = Object.entries(SettingsSchema.properties).map(
  ([name, { spec }]) => ({
    name: name as SettingName,
    key: keyOf(name),
    variable: variableOf(name),
    spec,
  }),
)
