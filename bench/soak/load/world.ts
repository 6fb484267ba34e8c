/** What all parts of the load share: the broker, what was done so far, and what went wrong. */
import { BrokerError, Client } from '../../../src/client/index.ts'
import { textOf } from '../../load/requests.ts'

/** What the load counts; each grows all the time, whatever else happens. */
export const COUNTS = [
  'published',
  'read by a group',
  'read by offset',
  'acked',
  'nacked',
  'rejected',
  'brought back',
  'scheduled',
  'cancelled',
  'delivered in time',
  'topics made',
  'figures asked',
  'turns left out',
  'delivered 5 s late or later',
] as const
export type CountName = (typeof COUNTS)[number]
export type Counts = Readonly<Record<CountName, number>>

/** A part of the load. What is stopped has nothing under way any more. */
export interface Part {
  stop(): Promise<void>
}

const TEXTS = 64
const DELAY_MS_MAX = 20_000

export interface WorldOptions {
  readonly url: string
  /** Publishes a second, all kinds together; the parts take their shares. */
  readonly ratePerSecond: number
  readonly valueBytes: number
  /** What is for later is due within so long, in milliseconds. Default 20,000. */
  readonly delayMsMax?: number
}

export class World {
  readonly url: string
  readonly client: Client
  readonly ratePerSecond: number
  readonly delayMsMax: number
  readonly problems: Record<string, number> = {}
  readonly #counts: Record<CountName, number>
  readonly #texts: readonly string[]
  #last = 0

  constructor({ url, ratePerSecond, valueBytes, delayMsMax = DELAY_MS_MAX }: WorldOptions) {
    this.url = url
    this.ratePerSecond = ratePerSecond
    this.delayMsMax = delayMsMax
    this.client = new Client({ url })
    this.#counts = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Record<CountName, number>
    this.#texts = Array.from({ length: TEXTS }, (_, seed) => textOf(valueBytes, seed))
  }

  get counts(): Counts {
    return { ...this.#counts }
  }

  count(name: CountName, by = 1): void {
    this.#counts[name] += by
  }

  /** Kept by its code, or its first words: the kinds of what can go wrong are few. */
  problem(where: string, error: unknown): void {
    const what = error instanceof BrokerError ? error.code : String(error).slice(0, 100)
    const name = `${where}: ${what}`
    this.problems[name] = (this.problems[name] ?? 0) + 1
  }

  /** A value that differs from the one before it. */
  text(): string {
    this.#last += 1
    return `${this.#last} ${this.#texts[this.#last % TEXTS]}`
  }
}
