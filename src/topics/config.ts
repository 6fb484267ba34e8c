/** What an operator may set per topic; everything else is the broker's. */
import { LIMITS } from '../kernel/limits.ts'
import { HOUR_MS, MiB } from '../kernel/units.ts'

export interface TopicConfig {
  /** Sealed segments whose newest record is older are removed; null keeps them for ever. Default 168 h. */
  readonly retentionMs: number | null
  /** Per partition: the oldest sealed segments go while it is larger; null (default) sets no bound. */
  readonly retentionBytes: number | null
  /** Size in bytes at which a segment is sealed. Default 64 MiB, 1 KiB to 1 GiB. */
  readonly segmentBytes: number
  /** The largest record (header, key, value) in bytes. Default 1 MiB, at most 16 MiB and the segment's size. */
  readonly recordBytesMax: number
}

export const DEFAULT_TOPIC_CONFIG: TopicConfig = {
  retentionMs: 168 * HOUR_MS,
  retentionBytes: null,
  segmentBytes: 64 * MiB,
  recordBytesMax: 1 * MiB,
}

/** A record of fewer bytes than this could hold no message worth the name. */
const RECORD_BYTES_MAX_MIN = 64

interface Bounds {
  readonly min: number
  readonly max: number
  readonly nullable: boolean
}

const BOUNDS: Readonly<Record<string, Bounds>> = {
  retentionMs: { min: 1, max: Number.MAX_SAFE_INTEGER, nullable: true },
  retentionBytes: { min: 1, max: Number.MAX_SAFE_INTEGER, nullable: true },
  segmentBytes: { min: LIMITS.segmentBytesMin, max: LIMITS.segmentBytesMax, nullable: false },
  recordBytesMax: { min: RECORD_BYTES_MAX_MIN, max: LIMITS.recordBytesMax, nullable: false },
} satisfies Record<keyof TopicConfig, Bounds>

/**
 * `base` with `change` laid over it. Every problem is put into `problems` under `config.<name>`; the result
 * means nothing then. A record limit that is not named follows a smaller segment.
 */
export function changedConfig(
  base: TopicConfig,
  change: Partial<TopicConfig>,
  problems: Record<string, string>,
): TopicConfig {
  for (const [name, value] of Object.entries(change)) {
    const problem = value === undefined ? undefined : settingProblem(name, value)
    if (problem !== undefined) problems[`config.${name}`] = problem
  }
  const given = Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined),
  )
  const config: TopicConfig = { ...base, ...given }
  if (config.recordBytesMax <= config.segmentBytes) return config
  if (change.recordBytesMax === undefined) {
    return { ...config, recordBytesMax: config.segmentBytes }
  }
  problems['config.recordBytesMax'] ??= `must be at most segmentBytes, ${config.segmentBytes}`
  return config
}

function settingProblem(name: string, value: unknown): string | undefined {
  const bounds = Object.hasOwn(BOUNDS, name) ? BOUNDS[name] : undefined
  if (bounds === undefined) return `is no setting of a topic: ${Object.keys(BOUNDS).join(', ')} are`
  if (value === null && bounds.nullable) return undefined
  const fits = typeof value === 'number' && value >= bounds.min && value <= bounds.max
  if (fits && Number.isSafeInteger(value)) return undefined
  return `must be an integer from ${bounds.min} to ${bounds.max}${bounds.nullable ? ', or null' : ''}`
}
