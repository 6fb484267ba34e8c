/** Dead letters as they are listed and picked: what lies in a dead-letter topic and was not brought back. */
import { offset as offsetOf } from '../../kernel/units.ts'
import { type DecodedRecord, decodeRecords } from '../../record/index.ts'
import type { Partition, Topic } from '../../topics/index.ts'
import { type DeadLetterMark, deadLetterMarkOf } from '../deadLetter.ts'
import type { RedriveFilter, RedriveMachine } from './machine.ts'

export interface DeadLetter {
  readonly partition: number
  /** In the dead-letter topic. */
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | undefined
  readonly value: Buffer | null
  /** Undefined for what somebody else has written there. */
  readonly mark: DeadLetterMark | undefined
  readonly record: DecodedRecord
}

export interface LetterPage {
  readonly letters: readonly DeadLetter[]
  /** By partition: where to go on. */
  readonly positions: readonly number[]
}

export interface LetterQuery {
  readonly filter: RedriveFilter
  readonly limit: number
  /** By partition; undefined: from the start. */
  readonly positions: readonly number[] | undefined
}

const CHUNK = { maxBytes: 256 * 1024, maxRecords: 1_000 }
/** Letters that one listing looks at: a filter that fits nothing does not read the whole topic at once. */
const SCAN_MAX = 10_000

/** Copies: they stay when the log's bytes are gone. */
export function letterOf(partition: number, record: DecodedRecord): DeadLetter {
  const { offset, timestampMs, key, value } = record
  const mark = deadLetterMarkOf(record.extension?.headers)
  return { partition, offset, timestampMs, key, value, mark, record }
}

export function matches(
  { reason, group, key, fromMs, toMs }: RedriveFilter,
  letter: DeadLetter,
): boolean {
  const { mark, timestampMs } = letter
  return (
    (reason === undefined || mark?.reason === reason) &&
    (group === undefined || mark?.group === group) &&
    (key === undefined || letter.key?.toString() === key) &&
    (fromMs === undefined || timestampMs >= fromMs) &&
    (toMs === undefined || timestampMs < toMs)
  )
}

/** Partition by partition, in their order. */
export async function listLetters(
  topic: Topic,
  machine: RedriveMachine,
  { filter, limit, positions: from }: LetterQuery,
): Promise<LetterPage> {
  const page: Page = { topic, machine, filter, limit, letters: [], scanned: 0 }
  const positions: number[] = []
  for (const [p, partition] of topic.partitions.entries()) {
    const begin = Math.max(from?.[p] ?? 0, partition.offsets().start)
    positions.push(await listPartition(page, partition, begin))
  }
  return { letters: page.letters, positions }
}

interface Page {
  readonly topic: Topic
  readonly machine: RedriveMachine
  readonly filter: RedriveFilter
  readonly limit: number
  readonly letters: DeadLetter[]
  scanned: number
}

/** Resolves with where to go on. */
async function listPartition(page: Page, partition: Partition, begin: number): Promise<number> {
  const { topic, machine, filter, limit, letters } = page
  let at = begin
  while (letters.length < limit && page.scanned < SCAN_MAX && at < partition.offsets().next) {
    const { bytes, nextOffset } = await partition.read(offsetOf(at), CHUNK)
    for (const record of decodeRecords(bytes)) {
      if (letters.length >= limit) return record.offset
      page.scanned += 1
      const letter = letterOf(partition.index, record)
      const isGone = machine.isRedriven(topic.id, partition.index, record.offset)
      if (!isGone && matches(filter, letter)) letters.push(letter)
    }
    at = nextOffset
  }
  return at
}
