/** The configuration of a topic, between the words of the wire and those of the broker. */
import type { TopicConfigInput, TopicConfigReply } from '../../api/index.ts'
import type { TopicConfig } from '../../broker/index.ts'
import { parseDurationMs } from '../../kernel/duration.ts'
import { BrokerError, type ErrorFields } from '../../kernel/errors.ts'
import { HOUR_MS } from '../../kernel/units.ts'

/** Throws INVALID_CONFIG where two settings say different things of the same. */
export function configOf(
  input: TopicConfigInput,
  retentionHours?: number | null,
): Partial<TopicConfig> {
  const retentions = [
    ...(retentionHours === undefined ? [] : [hoursToMs(retentionHours)]),
    ...(input.retention_hours === undefined ? [] : [hoursToMs(input.retention_hours)]),
    ...(input.retention_ms === undefined ? [] : [durationOf(input.retention_ms)]),
  ]
  const [retentionMs] = retentions
  if (retentions.some((each) => each !== retentionMs)) {
    throw refused('config.retention_ms', 'says another time than retention_hours')
  }
  return {
    ...(retentionMs === undefined ? {} : { retentionMs }),
    ...(input.retention_bytes === undefined ? {} : { retentionBytes: input.retention_bytes }),
    ...(input.segment_bytes === undefined ? {} : { segmentBytes: input.segment_bytes }),
    ...(input.max_record_bytes === undefined ? {} : { recordBytesMax: input.max_record_bytes }),
  }
}

const hoursToMs = (hours: number | null): number | null =>
  hours === null ? null : Math.max(1, Math.round(hours * HOUR_MS))

function durationOf(value: string | number | null): number | null {
  if (value === null) return null
  const durationMs = parseDurationMs(value)
  if (durationMs !== undefined && durationMs >= 1) return Math.round(durationMs)
  throw refused('config.retention_ms', 'must be a duration such as "7d", or null')
}

const refused = (field: string, problem: string): BrokerError =>
  new BrokerError('INVALID_CONFIG', `${field} ${problem}`, { fields: { [field]: problem } })

export const configReply = (config: TopicConfig): TopicConfigReply => ({
  retention_hours: config.retentionMs === null ? null : config.retentionMs / HOUR_MS,
  retention_ms: config.retentionMs,
  retention_bytes: config.retentionBytes,
  segment_bytes: config.segmentBytes,
  max_record_bytes: config.recordBytesMax,
})

const WIRE_NAMES: Readonly<Record<string, string>> = {
  partitions: 'num_partitions',
  'config.retentionMs': 'config.retention_ms',
  'config.retentionBytes': 'config.retention_bytes',
  'config.segmentBytes': 'config.segment_bytes',
  'config.recordBytesMax': 'config.max_record_bytes',
}

/** What the broker said of its own settings, in the words of the wire; any other error as it is. */
export function inWireWords(error: unknown): unknown {
  if (!(error instanceof BrokerError) || error.fields === undefined) return error
  const words = (text: string): string =>
    Object.entries(WIRE_NAMES).reduce(
      (said, [name, wire]) =>
        said.replaceAll(new RegExp(`\\b${lastPart(name)}\\b`, 'g'), lastPart(wire)),
      text,
    )
  const fields: ErrorFields = Object.fromEntries(
    Object.entries(error.fields).map(([name, text]) => [WIRE_NAMES[name] ?? name, words(text)]),
  )
  return new BrokerError(error.code, words(error.message), { fields, cause: error })
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
