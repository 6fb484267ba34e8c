/**
 * The idempotent producers of one partition: what the log is asked before it appends one of their batches, and how
 * the table is found again after a restart.
 *
 *   at the start: the last snapshot, cut to what the log still has, then the producer sections of all records behind it
 *
 * The first record of each batch of such a producer carries who sent it and from which sequence, so that the log
 * itself is the memory and a snapshot only saves reading it again.
 */
import { MINUTE_MS, MiB, type Offset, offset, type TimestampMs } from '../kernel/units.ts'
import type { Admission, AppendedEarlier, PartitionLog } from '../log/index.ts'
import {
  AT_FLAGS,
  type DecodedRecord,
  decodeRecord,
  FLAG,
  hasMore,
  recordLength,
  type WireProducer,
} from '../record/index.ts'
import {
  type ProducerEntry,
  ProducerTable,
  type ProducerTableOptions,
  sequenceAfter,
} from './producerTable.ts'

export interface ProducersSnapshot {
  /** Batches below this offset are in the entries. */
  readonly next: number
  readonly entries: readonly (readonly [number, ProducerEntry])[]
}

const SCAN_LIMIT = { maxBytes: 1 * MiB, maxRecords: Number.MAX_SAFE_INTEGER }

/** Ids from here on stand for single requests, those below are chosen by clients. */
export const FIRST_REQUEST_ID = 2 ** 52

export interface ProducersOptions {
  readonly clients?: ProducerTableOptions
  readonly requests?: ProducerTableOptions
}

/** Single requests: many, and soon forgotten. */
const REQUESTS: ProducerTableOptions = { producersMax: 50_000, expiryMs: 10 * MINUTE_MS }

export class PartitionProducers {
  readonly #clients: ProducerTable
  readonly #requests: ProducerTable

  constructor({ clients, requests }: ProducersOptions = {}) {
    this.#clients = new ProducerTable(clients)
    this.#requests = new ProducerTable({ ...REQUESTS, ...requests })
  }

  /** Asks for one batch of `count` records; to be given to one append. */
  admission(producer: WireProducer, count: number, nowMs: number): ProducerAdmission {
    return new ProducerAdmission(this.#tableOf(producer.producerId), { producer, count, nowMs })
  }

  /** `next`: the log's, of the same moment. */
  snapshot(next: number): ProducersSnapshot {
    return { next, entries: [...this.#clients.snapshot(), ...this.#requests.snapshot()] }
  }

  /** Resolves when the table knows every batch in the log. */
  async recover(log: PartitionLog, saved: ProducersSnapshot | undefined): Promise<void> {
    const { start, next } = log.offsets()
    let from = start
    if (saved !== undefined) {
      const entries = saved.entries.flatMap((entry) => cutEntry(entry, next))
      this.#clients.restore(entries.filter(([id]) => id < FIRST_REQUEST_ID))
      this.#requests.restore(entries.filter(([id]) => id >= FIRST_REQUEST_ID))
      from = offset(Math.min(next, Math.max(start, saved.next)))
    }
    const scanner = new ProducerScanner((id) => this.#tableOf(id))
    while (from < next) {
      const read = await log.read(from, SCAN_LIMIT)
      scanner.scan(read.bytes)
      from = read.nextOffset
    }
  }

  #tableOf(producerId: number): ProducerTable {
    return producerId < FIRST_REQUEST_ID ? this.#clients : this.#requests
  }
}

/** Learns batches from the log's bytes, read piece by piece from the start of a batch on. */
class ProducerScanner {
  readonly #tableOf: (producerId: number) => ProducerTable
  /** Of the batch that is being passed: its first record, where that one has a producer section. */
  #first: DecodedRecord | undefined
  #count = 0

  constructor(tableOf: (producerId: number) => ProducerTable) {
    this.#tableOf = tableOf
  }

  scan(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
      if (this.#count === 0 && ((bytes[at + AT_FLAGS] as number) & FLAG.EXTENSION) !== 0) {
        this.#first = decodeRecord(bytes, at)
      }
      this.#count += 1
      if (!hasMore(bytes, at)) this.#endOfBatch()
    }
  }

  #endOfBatch(): void {
    const first = this.#first
    const mark = first?.extension?.producer
    if (first !== undefined && mark !== undefined) {
      const { producerId, epoch, sequence: baseSequence } = mark
      const { offset: baseOffset, timestampMs } = first
      this.#tableOf(producerId).learn(
        { producerId, epoch, baseSequence },
        { baseSequence, count: this.#count, baseOffset, timestampMs },
      )
    }
    this.#first = undefined
    this.#count = 0
  }
}

interface AdmissionRequest {
  readonly producer: WireProducer
  readonly count: number
  readonly nowMs: number
}

export class ProducerAdmission implements Admission {
  readonly #table: ProducerTable
  readonly #request: AdmissionRequest
  #undo: (() => void) | undefined
  /** The batch was stored before; the result is that of then. */
  isDuplicate = false
  /** The producer was not known, and its batch taken as a new start. */
  isReset = false

  constructor(table: ProducerTable, request: AdmissionRequest) {
    this.#table = table
    this.#request = request
  }

  decide(): AppendedEarlier | undefined {
    const { producer, count, nowMs } = this.#request
    const admission = this.#table.admit(producer, count, nowMs)
    this.isDuplicate = admission.kind === 'duplicate'
    if (admission.kind === 'append') {
      this.isReset = admission.reset && producer.producerId < FIRST_REQUEST_ID
      return undefined
    }
    const { baseOffset, timestampMs } = admission.stored
    return { baseOffset: offset(baseOffset), timestampMs: timestampMs as TimestampMs }
  }

  appended(baseOffset: Offset, timestampMs: TimestampMs): void {
    const { producer, count } = this.#request
    const { baseSequence } = producer
    this.#undo = this.#table.record(producer, { baseSequence, count, baseOffset, timestampMs })
  }

  undone(): void {
    this.#undo?.()
  }
}

/** The entry without batches that the log has lost, with a power failure, since the snapshot; none where none is left. */
function cutEntry(
  [producerId, entry]: readonly [number, ProducerEntry],
  next: number,
): (readonly [number, ProducerEntry])[] {
  const window = entry.window.filter((batch) => batch.baseOffset + batch.count <= next)
  const last = window.at(-1)
  if (last === undefined) return []
  return [[producerId, { ...entry, window, nextSequence: sequenceAfter(last) }]]
}
