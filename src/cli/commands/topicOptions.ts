/** What the commands of `goqueue topic` have in common: a topic's name, and its configuration as options. */
import type { Argv } from 'yargs'
import type { TopicConfigInput } from '../../api/index.ts'
import { durationOrNone, size, sizeOrNone } from '../options.ts'

export const topicName = <T>(yargs: Argv<T>) =>
  yargs.positional('name', { type: 'string', demandOption: true, describe: 'The topic' })

export const topicConfigOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('retention', {
      describe: 'Age at which messages may go, such as 7d, or none',
      coerce: durationOrNone('retention'),
      requiresArg: true,
    })
    .option('retention-bytes', {
      describe: 'Size of a partition above which its oldest messages go, such as 10GiB, or none',
      coerce: sizeOrNone('retention-bytes'),
      requiresArg: true,
    })
    .option('segment-bytes', {
      describe: 'Size of a segment, such as 64MiB',
      coerce: size('segment-bytes'),
      requiresArg: true,
    })
    .option('max-record-bytes', {
      describe: 'Largest record, such as 1MiB',
      coerce: size('max-record-bytes'),
      requiresArg: true,
    })

interface ConfigOptions {
  readonly retention?: number | null | undefined
  readonly retentionBytes?: number | null | undefined
  readonly segmentBytes?: number | undefined
  readonly maxRecordBytes?: number | undefined
}

/** The configuration as the contract writes it; what was not given is left out. */
export function wireConfig(options: ConfigOptions): TopicConfigInput {
  const config = {
    retention_ms: options.retention,
    retention_bytes: options.retentionBytes,
    segment_bytes: options.segmentBytes,
    max_record_bytes: options.maxRecordBytes,
  }
  const given = Object.entries(config).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given)
}
