/** What an inspection says, line by line: plain objects, made to be printed as JSON. */
import { isUtf8 } from 'node:buffer'
import { priorityName } from '../../kernel/priority.ts'
import { type DecodedRecord, decodeRecord, hasMore, recordLength } from '../../record/index.ts'

/** A segment begins. */
export interface SegmentLine {
  readonly kind: 'segment'
  readonly file: string
  readonly baseOffset: number
  readonly sizeBytes: number
}

export interface RecordLine {
  readonly kind: 'record'
  readonly file: string
  /** Byte position in the file. */
  readonly position: number
  readonly sizeBytes: number
  readonly offset: number
  /** RFC 3339. */
  readonly timestamp: string
  readonly priority: string
  /** Text, or base64 where `encoding` says so. */
  readonly key?: string
  readonly value: string | null
  readonly encoding?: 'base64'
  readonly headers?: Readonly<Record<string, string>>
  readonly producer?: NonNullable<DecodedRecord['extension']>['producer']
  readonly origin?: NonNullable<DecodedRecord['extension']>['origin']
  /** The next record belongs to the same batch. */
  readonly more?: true
  /** A record of the broker's own. */
  readonly control?: true
}

/** An entry of an index, which was found to point at what it says. */
export interface IndexLine {
  readonly kind: 'index' | 'timeindex'
  readonly file: string
  /** Byte position of the entry in the index file. */
  readonly position: number
  readonly offset: number
  /** index: where the record lies in the log file. */
  readonly recordPosition?: number
  /** index: not all records in front of it are normal; absent where the entry does not say. */
  readonly mixed?: boolean
  /** timeindex: RFC 3339. */
  readonly timestamp?: string
}

/** A run of a `.laneindex`, whose records were found to be in that lane. */
export interface LaneLine {
  readonly kind: 'laneindex'
  readonly file: string
  /** Byte position of the run in the file. */
  readonly position: number
  readonly lane: string
  /** Of the first record. */
  readonly offset: number
  readonly count: number
}

/** Something that should not be so. */
export interface ProblemLine {
  readonly kind: 'problem'
  readonly file: string
  readonly position: number
  readonly reason: string
  /** An index is at fault: rebuilding it mends that. */
  readonly repairable: boolean
}

/** The last line. */
export interface SummaryLine {
  readonly kind: 'summary'
  readonly segments: number
  readonly records: number
  /** Entries of all indexes, and runs of lanes. */
  readonly indexEntries: number
  readonly problems: number
}

export type InspectLine =
  | SegmentLine
  | RecordLine
  | IndexLine
  | LaneLine
  | ProblemLine
  | SummaryLine

/** RFC 3339; the bare number where it is no date. */
export function timeText(timestampMs: number): string {
  const date = new Date(timestampMs)
  return Number.isNaN(date.getTime()) ? String(timestampMs) : date.toISOString()
}

/** The whole, well-formed record at `at` of `bytes`, which lies at `position` of `file`. */
export function recordLine(
  bytes: Buffer,
  at: number,
  { file, position }: { readonly file: string; readonly position: number },
): RecordLine {
  const { offset, timestampMs, priority, key, value, extension, control } = decodeRecord(bytes, at)
  const isText = (key === undefined || isUtf8(key)) && (value === null || isUtf8(value))
  const encoding = isText ? 'utf8' : 'base64'
  return {
    kind: 'record',
    file,
    position,
    sizeBytes: recordLength(bytes, at),
    offset,
    timestamp: timeText(timestampMs),
    priority: priorityName(priority),
    ...(key === undefined ? {} : { key: key.toString(encoding) }),
    value: value === null ? null : value.toString(encoding),
    ...(isText ? {} : { encoding: 'base64' as const }),
    ...extension,
    ...(hasMore(bytes, at) ? { more: true as const } : {}),
    ...(control ? { control: true as const } : {}),
  }
}
