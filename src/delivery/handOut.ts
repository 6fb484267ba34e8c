/** From what was granted to what the member gets: the records themselves, as they lie in the log. */
import { BrokerError } from '../kernel/errors.ts'
import type { Durability } from './durability.ts'
import type { Grant } from './grants.ts'
import type { LaneWaits } from './lanes/laneWaits.ts'
import type { Ledger } from './ledger.ts'
import { type Budget, type Picker, Picking } from './picking.ts'
import type { Place } from './places.ts'
import { SpanReads, type WantedSpan } from './spanReads.ts'

/** Records of one hand-out and one lane that were handed out equally often, ascending. */
export interface DeliveredPart {
  readonly topic: string
  readonly partition: number
  /** The priority of all of them. */
  readonly lane: number
  /** Whole records as stored, the first at `offset`; what of other lanes lies between them is left out. */
  readonly bytes: Buffer
  readonly count: number
  readonly offset: number
  readonly nextOffset: number
  /** With the offset it names the lease: 32 bits. */
  readonly nonce: number
  readonly deliveryCount: number
  /** Wall time at which the lease ends, in milliseconds since 1970. */
  readonly deadlineMs: number
}

export interface Delivered {
  readonly parts: readonly DeliveredPart[]
  /**
   * The hand-out did not take place: all of it, or of each part what is from the offset in `from` on. It is not
   * counted, and others get the records at once.
   */
  readonly putBack: (from?: readonly number[]) => void
}

export interface HandOutOptions {
  readonly ledger: Ledger
  readonly durability: Durability
  readonly waits: LaneWaits
  /** Wall time. */
  readonly nowMs: () => number
  /** Records were given back. */
  readonly onGivenBack: (place: Place) => void
}

interface Part extends DeliveredPart {
  readonly place: Place
}

type Held = Pick<Grant, 'place' | 'nonce' | 'lane'>

export class HandOut {
  readonly #options: HandOutOptions
  readonly #reads = new SpanReads()

  constructor(options: HandOutOptions) {
    this.#options = options
  }

  /**
   * Resolves when a crash of the process cannot undo the hand-out, nor one of the machine where a group or topic of it
   * asks for that. What does not fit, or cannot be read, is given back; rejects with why where nothing can be read.
   */
  async deliver(grants: readonly Grant[], maxBytes: number): Promise<Delivered> {
    const committed = this.#durable(grants)
    // Awaited below; a read that fails first must not leave it unheard.
    committed.catch(() => undefined)
    const parts: Part[] = []
    const budget: Budget = { bytes: maxBytes, isFirst: true }
    let failure: unknown
    for (const wanted of this.#reads.begun(grants, maxBytes)) {
      try {
        await this.#readSpan(wanted, budget, parts)
      } catch (error) {
        failure ??= error
      }
    }
    await committed
    if (parts.length === 0 && failure !== undefined && isTelling(failure)) throw failure
    return { parts, putBack: (from) => this.#putBack(parts, from) }
  }

  #durable(grants: readonly Grant[]): Promise<void> {
    const { durability } = this.#options
    const group = grants[0]?.place.window.group.name ?? ''
    const topics = new Set(grants.map(({ place }) => place.window.topic))
    return durability.reached(durability.asked(group, topics))
  }

  async #readSpan(wanted: WantedSpan, budget: Budget, parts: Part[]): Promise<void> {
    const { grant, span } = wanted
    const { place } = grant
    let { first } = wanted
    const picking = new Picking(span, this.#picker(grant, parts), budget)
    try {
      while (!picking.isDone && !picking.isOver && (budget.bytes > 0 || budget.isFirst)) {
        const reading = first ?? this.#reads.read(wanted, picking.at, budget.bytes)
        first = undefined
        const { bytes, count } = await reading.result
        if (count > 0) picking.take(bytes)
        this.#reads.done(reading)
        if (count === 0) break
      }
    } finally {
      if (first !== undefined) this.#reads.abandoned(first)
      place.measured(picking.pickedBytes, picking.picked)
      for (const [from, to] of picking.rest()) this.#giveBack(grant, from, to)
    }
  }

  #picker(grant: Grant, parts: Part[]): Picker {
    const { place, nonce, lane } = grant
    const { window } = place
    const { ledger, waits, nowMs } = this.#options
    const wallMs = nowMs()
    let [dueSteadyMs, dueWallMs] = [0, 0]
    return {
      group: window.group.name,
      lane,
      // Plain fields and one look at the clocks: there may be as many parts as records.
      onPart: ({ deliveries, dueMs }, { bytes, count, offset: first, nextOffset }) => {
        if (dueMs !== dueSteadyMs) {
          dueSteadyMs = dueMs
          dueWallMs = ledger.clock.wallMs(dueMs)
        }
        parts.push({
          place,
          topic: window.topic,
          partition: window.partition,
          lane,
          bytes,
          count,
          offset: first,
          nextOffset,
          nonce,
          deliveryCount: deliveries,
          deadlineMs: dueWallMs,
        })
      },
      onHidden: (at) => this.#pass(grant, at),
      onAppendedAt: (timestampMs, count) =>
        waits.waited(lane, Math.max(0, wallMs - timestampMs), count),
    }
  }

  #pass({ place, nonce, lane }: Held, at: number): void {
    const receipts = { window: place.window.id, nonce, lane, from: at, to: at + 1, deliveries: 0 }
    this.#options.ledger.execute({ kind: 'pass', ...receipts })
  }

  #putBack(parts: readonly Part[], from: readonly number[] | undefined): void {
    for (const [i, part] of parts.entries()) {
      const { offset: first, nextOffset } = part
      const begin = from === undefined ? first : (from[i] ?? nextOffset)
      if (begin < nextOffset) this.#giveBack(part, begin, nextOffset)
    }
  }

  #giveBack({ place, nonce, lane }: Held, from: number, to: number): void {
    const receipts = { window: place.window.id, nonce, lane, from, to, deliveries: 0 }
    try {
      this.#options.ledger.execute({ kind: 'takeBack', ...receipts })
      this.#options.onGivenBack(place)
    } catch (error) {
      // The lease ends by its time then.
      if (!(error instanceof BrokerError)) throw error
    }
  }
}

/** Retention or a deletion came in between: there is simply nothing. */
const isTelling = (error: unknown): boolean =>
  !(error instanceof BrokerError) ||
  (error.code !== 'OFFSET_OUT_OF_RANGE' && error.code !== 'TOPIC_NOT_FOUND')
