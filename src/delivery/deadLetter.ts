/**
 * A dead letter: the record as it was, key, value, headers and priority, with one header in front that says what it was
 * and what became of it. One header, since a record may have 64 of its own already.
 *
 *   goqueue-dead-letter: {"group":"billing","record":{…},"original":{…},"reason":"max_retries","cause":"nack",…}
 *
 * `record` is the place of the record that died, `original` that of the first of its line, where it was redriven.
 */
import { LIMITS } from '../kernel/limits.ts'
import { batchOf, decodeRecord, type RecordBatch, type RecordHeaders } from '../record/index.ts'
import type { Cause, RunView } from './machine/run.ts'
import type { Window } from './machine/window.ts'
import { type Original, REDRIVE_HEADER, redriveMarkOf } from './redriveMark.ts'

export const DEAD_LETTER_HEADER = 'goqueue-dead-letter'

/** max_retries: it failed once too often; rejected: a worker said never again. */
export const DEATH_REASONS = ['max_retries', 'rejected'] as const
export type DeathReason = (typeof DEATH_REASONS)[number]

/** What the header says. Times are milliseconds since 1970. */
export interface DeadLetterMark {
  readonly group: string
  readonly record: Original
  readonly original: Original
  readonly reason: DeathReason
  /** Of the last failure. */
  readonly cause: Cause
  /** What the worker said; empty where nobody said anything. */
  readonly error: string
  readonly delivery_count: number
  readonly failures: number
  readonly first_failed_at: number
  readonly last_failed_at: number
  /** How often it had been redriven before. */
  readonly redrives: number
  /** The redrive that brought it back last. */
  readonly task?: string
  /** There was no room for its own headers. */
  readonly headers_dropped?: true
}

/** Headers beside the values: their own share of the limit. */
const MARK_BYTES_MAX = 8 * 1024

export interface Death {
  readonly window: Window
  readonly run: Pick<RunView, 'deliveries' | 'trouble' | 'failures'>
  readonly wallMs: (steadyMs: number) => number
  /** Its place in the line of the dying, under the epoch that the log expects. */
  readonly sequence: number
  readonly epoch: number
}

/** The batch of one record, in the name of the window: appended twice it is stored once. `bytes` begin with the record. */
export function deadLetterBatch(bytes: Buffer, death: Death): RecordBatch {
  const { window, sequence, epoch } = death
  const record = decodeRecord(bytes, 0)
  const mark = markOf(bytes, death)
  const producer = { producerId: window.producerId, epoch, sequence }
  const { [REDRIVE_HEADER]: _, ...own } = record.extension?.headers ?? {}
  const headers = hasRoom(own)
    ? { [DEAD_LETTER_HEADER]: JSON.stringify(mark), ...own }
    : { [DEAD_LETTER_HEADER]: JSON.stringify({ ...mark, headers_dropped: true }) }
  const { key, value, priority } = record
  return batchOf({ key, value, priority, extension: { headers, producer } })
}

function markOf(bytes: Buffer, { window, run, wallMs }: Death): DeadLetterMark {
  const { offset, timestampMs: timestamp } = decodeRecord(bytes, 0)
  const redriven = redriveMarkOf(bytes, 0)
  const record = { topic: window.topic, partition: window.partition, offset, timestamp }
  const { trouble } = run
  const cause = trouble?.cause ?? 'nack'
  return {
    group: window.group.name,
    record,
    original: redriven?.original ?? record,
    reason: cause === 'rejected' ? 'rejected' : 'max_retries',
    cause,
    error: trouble?.error ?? '',
    delivery_count: run.deliveries,
    failures: run.failures,
    first_failed_at: wallMs(trouble?.firstMs ?? 0),
    last_failed_at: wallMs(trouble?.lastMs ?? 0),
    redrives: redriven?.redrives ?? 0,
    ...(redriven === undefined ? {} : { task: redriven.task }),
  }
}

function hasRoom(headers: RecordHeaders): boolean {
  const entries = Object.entries(headers)
  let bytes = MARK_BYTES_MAX
  for (const [name, value] of entries) {
    bytes += 6 + Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  return entries.length < LIMITS.recordHeadersMax && bytes <= LIMITS.recordHeadersBytesMax
}

/** Undefined where the header is missing or cannot be read: somebody else wrote the record. */
export function deadLetterMarkOf(headers: RecordHeaders | undefined): DeadLetterMark | undefined {
  try {
    return JSON.parse(headers?.[DEAD_LETTER_HEADER] ?? '') as DeadLetterMark
  } catch {
    return undefined
  }
}
