/**
 * Who a partition's batches are sent as, and which of them are under way, in the order of their sequences. From
 * the first that is not settled they span five at most, settled ones between them counted: as many as the broker
 * remembers, and it must know the first again.
 *
 *   sequence   0 ....... 100 ....... 200 ....... 300
 *   window       failed     (settled)    flying      (no new one while one waits to be sent again)
 *
 * Sequences count records per partition and epoch. They are given to a batch when it is sent first and kept for
 * its retries, so that the broker knows them again. A batch that is given up leaves a gap; the broker refuses what
 * comes behind it, and all of the window goes on from 0 in the next epoch.
 *
 * An attempt that was not answered may still be on its way. Where one of the batch in the gap is (the epoch is
 * tainted), the gap may yet close, and an attempt behind it be stored: so a refused batch with such an attempt of its
 * own cannot be sent in another epoch. It is given up too, as one that may be stored.
 *
 * Until the first answer in an epoch one batch flies alone: a broker that does not know the producer takes any
 * sequence for its start. So it does with one that it has forgotten, which after long silence it may have.
 */
import { MINUTE_MS } from '../../kernel/units.ts'
import type { WireProducer } from '../../record/index.ts'
import type { ProducerBatch } from './batch.ts'

const SEQUENCES = 2 ** 32
const EPOCH_MAX = 0xffff
const PRODUCER_IDS = 2 ** 52
/** Brokers remember a silent producer for a day, or as long as they were told to. */
const SILENCE_MS_MAX = 10 * MINUTE_MS

/** 1 to 2^52 - 1. */
const newProducerId = (random: () => number): number =>
  1 + Math.floor(random() * (PRODUCER_IDS - 1))

export interface WindowOptions {
  readonly idempotent: boolean
  readonly inFlightMax: number
  readonly random: () => number
}

export class Window {
  readonly #options: WindowOptions
  readonly #batches: ProducerBatch[] = []
  #producerId: number
  #epoch = 0
  #nextSequence = 0
  #isEstablished = false
  #answeredAtMs = 0
  #isTainted = false
  /** Batches that were ever in the window. */
  #sent = 0
  flying = 0

  constructor(options: WindowOptions) {
    this.#options = options
    this.#producerId = newProducerId(options.random)
  }

  get batches(): readonly ProducerBatch[] {
    return this.#batches
  }

  /** True where an answer came in this epoch, not long ago. */
  get isEstablished(): boolean {
    return this.#isEstablished
  }

  /** True where one more may be sent. */
  get hasRoom(): boolean {
    if (!this.#options.idempotent || !this.#isEstablished) return this.flying === 0
    const [first] = this.#batches
    return first === undefined || this.#sent - first.order < this.#options.inFlightMax
  }

  /** The first that waits to be sent again. */
  get failed(): ProducerBatch | undefined {
    return this.#batches.find((batch) => batch.state === 'failed')
  }

  /** Takes a batch in, at the end, and fills in who sends it. */
  push(batch: ProducerBatch): void {
    this.#batches.push(batch)
    batch.order = this.#sent
    this.#sent += 1
    batch.seal(this.#nextMark(batch.count))
  }

  /** It is settled; `stored`: with success. */
  remove(batch: ProducerBatch, stored: boolean): void {
    const at = this.#batches.indexOf(batch)
    if (at < 0) return
    this.#batches.splice(at, 1)
    if (!stored && batch.isUncertain) this.#isTainted = true
  }

  /** Batches that can be sent in no other epoch. */
  stranded(): ProducerBatch[] {
    return this.#isTainted ? this.#batches.filter((batch) => batch.isUncertain) : []
  }

  isFirst(batch: ProducerBatch): boolean {
    return this.#batches[0] === batch
  }

  /** An answer came in this epoch. */
  established(nowMs: number): void {
    this.#isEstablished = true
    this.#answeredAtMs = nowMs
  }

  /** To be called before something new is sent. */
  checkSilence(nowMs: number): void {
    if (this.#batches.length > 0 || nowMs - this.#answeredAtMs < SILENCE_MS_MAX) return
    this.#isEstablished = false
  }

  /** Everything in the window starts again from sequence 0. Nothing may be flying. */
  newEpoch(): void {
    if (this.#epoch < EPOCH_MAX) this.#restart(this.#producerId, this.#epoch + 1)
    else this.newProducer()
  }

  /** As {@link newEpoch}, as a producer that no broker has heard of: nothing keeps attempts of the old one out. */
  newProducer(): void {
    this.#restart(newProducerId(this.#options.random), 0)
  }

  #restart(producerId: number, epoch: number): void {
    this.#producerId = producerId
    this.#epoch = epoch
    this.#nextSequence = 0
    this.#isEstablished = false
    this.#isTainted = false
    for (const batch of this.#batches) {
      batch.isUncertain = false
      batch.seal(this.#nextMark(batch.count))
    }
  }

  #nextMark(count: number): WireProducer | undefined {
    if (!this.#options.idempotent) return undefined
    const mark = {
      producerId: this.#producerId,
      epoch: this.#epoch,
      baseSequence: this.#nextSequence,
    }
    this.#nextSequence = (this.#nextSequence + count) % SEQUENCES
    return mark
  }
}
