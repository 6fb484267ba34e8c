/** Publishing and reading raw records: batches on the wire, checked to the last byte on this side too. */
import type { OffsetReply, RawPublishReply } from '../api/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import { MiB } from '../kernel/units.ts'
import {
  checksumMatches,
  type DecodedRecord,
  decodeRecord,
  encodeWireBatch,
  type RecordBatch,
  recordLength,
  recordProblem,
  WIRE_BATCH_CONTENT_TYPE,
} from '../record/index.ts'
import { type Connection, pathOf } from './connection.ts'

/** What a caller waits for. none: nothing; leader: the page cache of the broker's machine; all: its disk. */
export type ClientAcks = 'none' | 'leader' | 'all'

export interface PublishBatch {
  readonly topic: string
  readonly batch: RecordBatch
  /** Default: the broker places each record by its key, those without one together. */
  readonly partition?: number | undefined
  /** Default `all`. */
  readonly acks?: ClientAcks | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ReadRecords {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Default 1,000. */
  readonly maxRecords?: number | undefined
  /** Default 1 MiB; one record is returned even where it is larger. */
  readonly maxBytes?: number | undefined
  /** How long to wait where there is nothing yet, in milliseconds; default 0, at most 60,000. */
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface RecordsReply {
  readonly records: readonly DecodedRecord[]
  /** Where to go on. */
  readonly nextOffset: number
}

const READ_DEFAULTS = { maxRecords: 1000, maxBytes: 1 * MiB }

export class Records {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Publishes one batch. It is written wholly or not at all where all of it goes to one partition; where keys
   * spread it, this holds per partition. Rejects with TOPIC_NOT_FOUND, RECORD_TOO_LARGE, …; OUTCOME_UNKNOWN where
   * no answer came.
   */
  async publish({ topic, batch, partition, acks, signal }: PublishBatch): Promise<RawPublishReply> {
    const reply = await this.#connection.askJson({
      method: 'POST',
      path: pathOf('topics', topic, 'messages'),
      query: { partition, acks },
      raw: { bytes: encodeWireBatch(batch), contentType: WIRE_BATCH_CONTENT_TYPE },
      signal,
    })
    return reply as RawPublishReply
  }

  /** The offset of the first record at or after an RFC 3339 time; where none is that young, the next to be written. */
  async offsetAtTime(topic: string, partition: number, time: string): Promise<number> {
    const path = pathOf('topics', topic, 'partitions', partition, 'offset')
    const reply = await this.#connection.askJson({ method: 'GET', path, query: { time } })
    return (reply as OffsetReply).offset
  }

  /**
   * Records from `offset` on, their checksums verified. Rejects with OFFSET_OUT_OF_RANGE; with CORRUPT_RECORD
   * where the bytes that arrived are not what was stored.
   */
  async read(read: ReadRecords): Promise<RecordsReply> {
    const { topic, partition, offset, waitMs = 0, signal } = read
    const { maxRecords, maxBytes } = { ...READ_DEFAULTS, ...definedOf(read) }
    const { body } = await this.#connection.ask({
      method: 'GET',
      path: pathOf('topics', topic, 'partitions', partition, 'messages'),
      query: { offset, limit: maxRecords, max_bytes: maxBytes, timeout: waitMs },
      accept: WIRE_BATCH_CONTENT_TYPE,
      waitMs,
      signal,
    })
    const records = decodeChecked(body)
    return { records, nextOffset: (records.at(-1)?.offset ?? offset - 1) + 1 }
  }
}

const definedOf = ({ maxRecords, maxBytes }: ReadRecords) => ({
  ...(maxRecords === undefined ? {} : { maxRecords }),
  ...(maxBytes === undefined ? {} : { maxBytes }),
})

/** Every record in `bytes`; throws CORRUPT_RECORD at the first that is not whole or fails its checksum. */
export function decodeChecked(bytes: Buffer): readonly DecodedRecord[] {
  const records: DecodedRecord[] = []
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    const problem = recordProblem(bytes, at, bytes.length) ?? checksumProblem(bytes, at)
    if (problem !== undefined) {
      throw new BrokerError('CORRUPT_RECORD', `reply at byte ${at}: ${problem}`)
    }
    records.push(decodeRecord(bytes, at))
  }
  return records
}

const checksumProblem = (bytes: Buffer, at: number): string | undefined =>
  checksumMatches(bytes, at) ? undefined : 'checksum does not match'
