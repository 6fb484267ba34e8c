/** One partition in memory: records as a broker stores them, and what it remembers of idempotent producers. */
import { BrokerError } from '../../../src/kernel/errors.ts'
import type { Clock } from '../../../src/kernel/platform.ts'
import {
  type DecodedRecord,
  decodeRecord,
  recordLength,
  stampRecord,
  type WireBatch,
  type WireProducer,
} from '../../../src/record/index.ts'

/** What groups and fetches see of a stub broker. */
export interface StubTopics {
  readonly clock: Clock
  readonly topics: ReadonlyMap<string, readonly StubLog[]>
  /** Throws TOPIC_NOT_FOUND or PARTITION_NOT_FOUND. */
  log(topic: string, partition: number): StubLog
}

export interface StoredRun {
  readonly offset: number
  readonly count: number
  readonly timestampMs: number
  readonly isDuplicate: boolean
  readonly isReset: boolean
}

interface Run {
  readonly offset: number
  readonly count: number
  readonly timestampMs: number
}

interface Remembered {
  readonly epoch: number
  nextSequence: number
  readonly runs: (Run & { readonly sequence: number })[]
}

const REMEMBERED_BATCHES = 5

export class StubLog {
  readonly #records: Buffer[] = []
  readonly #producers = new Map<number, Remembered>()
  readonly #appended = new Set<() => void>()
  /** Records before it are gone. */
  earliest = 0

  get latest(): number {
    return this.#records.length
  }

  append({ bytes, count, producer }: WireBatch, timestampMs: number): StoredRun {
    const stored = producer && this.#recall(producer, count)
    if (stored) return stored
    const offset = this.latest
    this.#store(Buffer.from(bytes), count, timestampMs)
    const isReset =
      producer !== undefined && this.#remember(producer, { offset, count, timestampMs })
    return { offset, count, timestampMs, isDuplicate: false, isReset }
  }

  /** The batch, if it is here already. Throws where it may not be stored. */
  #recall({ producerId, epoch, baseSequence }: WireProducer, count: number): StoredRun | undefined {
    const known = this.#producers.get(producerId)
    if (known === undefined || epoch > known.epoch) return undefined
    if (epoch < known.epoch) {
      throw new BrokerError('INVALID_PRODUCER_EPOCH', `epoch ${epoch} is over`)
    }
    const same = known.runs.find((run) => run.sequence === baseSequence && run.count === count)
    if (same) return { ...same, isDuplicate: true, isReset: false }
    if (baseSequence === known.nextSequence) return undefined
    const message = `sequence ${baseSequence}, expected ${known.nextSequence}`
    throw new BrokerError('OUT_OF_ORDER_SEQUENCE', message)
  }

  /** True where the producer was not known and its start is not at 0. */
  #remember({ producerId, epoch, baseSequence }: WireProducer, run: Run): boolean {
    const known = this.#producers.get(producerId)
    const runs = known?.epoch === epoch ? known.runs : []
    runs.push({ ...run, sequence: baseSequence })
    if (runs.length > REMEMBERED_BATCHES) runs.shift()
    const nextSequence = (baseSequence + run.count) % 2 ** 32
    this.#producers.set(producerId, { epoch, nextSequence, runs })
    return known === undefined && baseSequence !== 0
  }

  /** As if the broker's memory of its producers had expired. */
  forgetProducers(): void {
    this.#producers.clear()
  }

  /** As if the records from `offset` on had never reached the disk. */
  loseFrom(offset: number): void {
    this.#records.length = Math.min(offset, this.#records.length)
    for (const entry of this.#producers.values()) {
      const lost = entry.runs.filter((run) => run.offset >= offset)
      entry.runs.splice(entry.runs.length - lost.length, lost.length)
      if (lost[0] !== undefined) entry.nextSequence = lost[0].sequence
    }
  }

  records(): DecodedRecord[] {
    return this.#records.map((bytes) => decodeRecord(bytes, 0))
  }

  /** Whole records from `offset` on, at least one where there is one. */
  read(offset: number, maxBytes: number): Buffer {
    const parts: Buffer[] = []
    let bytes = 0
    for (let i = offset; i < this.#records.length; i += 1) {
      const record = this.#records[i] as Buffer
      if (parts.length > 0 && bytes + record.length > maxBytes) break
      parts.push(record)
      bytes += record.length
    }
    return Buffer.concat(parts)
  }

  /** Calls `wake` at the next append; returns how to stop that. */
  onAppend(wake: () => void): () => void {
    this.#appended.add(wake)
    return () => void this.#appended.delete(wake)
  }

  /** The stored bytes of one record, to be spoilt by a test. */
  bytesOf(offset: number): Buffer {
    return this.#records[offset] as Buffer
  }

  #store(bytes: Buffer, count: number, timestampMs: number): void {
    let at = 0
    for (let i = 0; i < count; i += 1) {
      const length = recordLength(bytes, at)
      const more = i < count - 1
      stampRecord(bytes, at, length, { offset: this.latest, timestampMs, more })
      this.#records.push(bytes.subarray(at, at + length))
      at += length
    }
    for (const wake of [...this.#appended]) wake()
  }
}
