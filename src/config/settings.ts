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
import { choice, duration, integer, list, orNone, type Spec, size, text } from './kinds.ts'

const listening = { section: 'Listening' }
const storage = { section: 'Storage' }
const topics = { section: 'New topics' }
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
    maxWaiters: integer({
      ...listening,
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'Long polls that may wait at once; one more is answered 503.',
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
      default: 32 * MiB,
      minimum: 0,
      maximum: 64 * GiB,
      description: 'Memory for the newest records of all partitions together, in bytes.',
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
      description: 'Age, in milliseconds, at which sealed segments are removed; none keeps them.',
    }),
    retentionBytes: orNone('size', {
      ...topics,
      default: null,
      minimum: 1 * KiB,
      maximum: 1024 * 1024 * GiB,
      description: 'Size of a partition, in bytes, above which its oldest segments are removed.',
    }),
    segmentBytes: size({
      ...topics,
      default: 64 * MiB,
      minimum: LIMITS.segmentBytesMin,
      maximum: LIMITS.segmentBytesMax,
      description: 'Size, in bytes, at which a segment is sealed and the next one begun.',
    }),
    maxRecordBytes: size({
      ...topics,
      default: 1 * MiB,
      minimum: 1 * KiB,
      maximum: LIMITS.recordBytesMax,
      description: 'Largest record (header, key, value), in bytes; a larger one is answered 413.',
    }),
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
