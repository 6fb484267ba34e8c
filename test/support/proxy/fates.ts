/** What becomes of a request, by chance that can be repeated. */
import type { SeededRandom } from '../random.ts'

/**
 * pass          goes to the broker, its reply comes back
 * delay         as pass, after a while; all that follows on the connection waits behind it
 * delayReply    the same with the reply
 * repeat        as pass; copies of it go to the broker over other connections, some of them much later
 * cutBefore     the connection ends and the broker sees nothing of it
 * cutWithin     the broker gets a part of it
 * cutAfter      the broker gets it, the connection ends before the reply
 * dropReply     the broker has answered, the connection ends without the answer
 * cutReply      the connection ends in the middle of the answer
 * stall         the broker gets it, nothing more comes back and the connection stays
 */
export const FATES = [
  'pass',
  'delay',
  'delayReply',
  'repeat',
  'cutBefore',
  'cutWithin',
  'cutAfter',
  'dropReply',
  'cutReply',
  'stall',
] as const
export type Fate = (typeof FATES)[number]

export type FateShares = Readonly<Partial<Record<Fate, number>>>

/** Draws fates by their shares of all requests; what is left passes. */
export class Fates {
  readonly counts = new Map<Fate, number>()
  readonly #shares: FateShares
  readonly #random: SeededRandom

  constructor(shares: FateShares, random: SeededRandom) {
    this.#shares = shares
    this.#random = random
  }

  next(): Fate {
    const fate = this.#draw()
    this.counts.set(fate, (this.counts.get(fate) ?? 0) + 1)
    return fate
  }

  #draw(): Fate {
    let at = this.#random.next()
    for (const [fate, share] of Object.entries(this.#shares)) {
      at -= share
      if (at < 0) return fate as Fate
    }
    return 'pass'
  }
}
