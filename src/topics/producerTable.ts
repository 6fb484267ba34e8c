/**
 * What a partition remembers of its idempotent producers, so that a batch sent twice is stored once.
 *
 * Per producer id: the epoch, the sequence expected next, and where the last five batches went.
 *
 *   expected 30, window 10..20 -> offset 100, 20..30 -> offset 110
 *   base 30            in order: append
 *   base 20, count 10  sent again: the answer is offset 110, nothing is stored
 *   base 45            a gap: OUT_OF_ORDER_SEQUENCE
 *   an older epoch     a zombie: INVALID_PRODUCER_EPOCH
 *   a newer epoch, or a producer not known (never seen, or forgotten): a new start from any sequence
 *
 * Sequences count records and wrap at 2^32. Entries are immutable and replaced, so that undoing an append whose
 * write failed is putting the old entry back. Five batches are what a client may have in flight, as in Kafka.
 */
import { BrokerError } from '../kernel/errors.ts'
import { DAY_MS } from '../kernel/units.ts'
import type { WireProducer } from '../record/index.ts'

export const PRODUCER_WINDOW_BATCHES = 5
const SEQUENCES = 2 ** 32

export interface StoredBatch {
  readonly baseSequence: number
  readonly count: number
  readonly baseOffset: number
  readonly timestampMs: number
}

/** The sequence that its producer's next batch starts with. */
export const sequenceAfter = ({ baseSequence, count }: StoredBatch): number =>
  (baseSequence + count) % SEQUENCES

export interface ProducerEntry {
  readonly epoch: number
  readonly nextSequence: number
  /** Broker's time of the last batch; entries unused for longer than the expiry are forgotten. */
  readonly lastUsedMs: number
  /** Oldest first, at most PRODUCER_WINDOW_BATCHES. */
  readonly window: readonly StoredBatch[]
}

export type Admission =
  | { readonly kind: 'append'; readonly reset: boolean }
  | { readonly kind: 'duplicate'; readonly stored: StoredBatch }

export interface ProducerTableOptions {
  /** Producers remembered per partition; the longest unused one is forgotten first. Default 10,000. */
  readonly producersMax?: number
  /** How long an unused producer is remembered, in milliseconds. Default 24 h. */
  readonly expiryMs?: number
}

export class ProducerTable {
  /** In order of last use: a used entry is moved to the end. */
  readonly #entries = new Map<number, ProducerEntry>()
  readonly #producersMax: number
  readonly #expiryMs: number

  constructor(options: ProducerTableOptions = {}) {
    this.#producersMax = options.producersMax ?? 10_000
    this.#expiryMs = options.expiryMs ?? 1 * DAY_MS
  }

  get size(): number {
    return this.#entries.size
  }

  /** What to do with a batch of `count` records; changes nothing. Throws OUT_OF_ORDER_SEQUENCE or INVALID_PRODUCER_EPOCH. */
  admit(producer: WireProducer, count: number, nowMs: number): Admission {
    const entry = this.#entries.get(producer.producerId)
    if (entry === undefined || nowMs - entry.lastUsedMs > this.#expiryMs) {
      return { kind: 'append', reset: producer.baseSequence !== 0 }
    }
    if (producer.epoch > entry.epoch) return { kind: 'append', reset: false }
    if (producer.epoch < entry.epoch) {
      throw new BrokerError(
        'INVALID_PRODUCER_EPOCH',
        `producer ${producer.producerId} has moved on to epoch ${entry.epoch}; this batch is of epoch ${producer.epoch}`,
      )
    }
    if (producer.baseSequence === entry.nextSequence) return { kind: 'append', reset: false }
    const stored = entry.window.find(
      (each) => each.baseSequence === producer.baseSequence && each.count === count,
    )
    if (stored) return { kind: 'duplicate', stored }
    throw new BrokerError(
      'OUT_OF_ORDER_SEQUENCE',
      `producer ${producer.producerId} sent sequence ${producer.baseSequence}, expected ${entry.nextSequence}`,
    )
  }

  /** Notes an append that admit() allowed; returns how to undo it, to be called newest first. */
  record(producer: WireProducer, batch: StoredBatch): () => void {
    const { producerId, epoch } = producer
    const before = this.#entries.get(producerId)
    const window = before?.epoch === epoch ? before.window.slice(1 - PRODUCER_WINDOW_BATCHES) : []
    this.#entries.delete(producerId)
    this.#entries.set(producerId, {
      epoch,
      nextSequence: sequenceAfter(batch),
      lastUsedMs: batch.timestampMs,
      window: [...window, batch],
    })
    this.#forget(batch.timestampMs)
    return () => {
      if (before === undefined) this.#entries.delete(producerId)
      else this.#entries.set(producerId, before)
    }
  }

  /** Notes a batch found in the log, unless it is known. */
  learn(producer: WireProducer, batch: StoredBatch): void {
    const entry = this.#entries.get(producer.producerId)
    if (entry?.window.some((known) => known.baseOffset >= batch.baseOffset)) return
    this.record(producer, batch)
  }

  /** As plain data, in order of last use. */
  snapshot(): readonly (readonly [number, ProducerEntry])[] {
    return [...this.#entries]
  }

  restore(entries: readonly (readonly [number, ProducerEntry])[]): void {
    this.#entries.clear()
    for (const [id, entry] of entries) this.#entries.set(id, entry)
  }

  #forget(nowMs: number): void {
    for (const [id, entry] of this.#entries) {
      const expired = nowMs - entry.lastUsedMs > this.#expiryMs
      if (!expired && this.#entries.size <= this.#producersMax) return
      this.#entries.delete(id)
    }
  }
}
