/**
 * What handlers made of messages, told to the broker in batches and confirmed.
 *
 *   ack ─┐                      ┌─ a few requests under way ─▶ confirmed, each range on its own
 *   nack ┼▶ gather (size/linger)┤
 *   …   ─┘                      └─ no answer ─▶ told again until there is one: the broker knows what it has heard
 */
import type { SettleOutcome, SettleSaying, SettleWhat } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import type { Clock, Timer } from '../../kernel/platform.ts'
import type { Lot } from './lot.ts'
import type { OutcomeKind } from './options.ts'

export interface SettlementsHost {
  readonly clock: Clock
  readonly batch: number
  readonly lingerMs: number
  settle(sayings: readonly SettleSaying[]): Promise<readonly SettleOutcome[]>
  /** Waits before the next try; false where there is to be none. */
  backOff(failures: number, error: BrokerError): Promise<boolean>
  confirmed(saying: SettleSaying, range: Confirmed): void
  /** There is room for more, or nothing is left to tell. */
  moved(): void
}

export interface Confirmed {
  readonly from: number
  readonly to: number
  /** All of them, where what lies between is not meant. */
  readonly offsets?: readonly number[] | undefined
  readonly outcome: OutcomeKind
}

interface Told extends SettleSaying, Pick<Confirmed, 'offsets'> {}

const REQUESTS_MAX = 4
/** What giving back comes to is nobody's business any more. */
const OUTCOMES: Readonly<Record<SettleWhat, OutcomeKind | undefined>> = {
  ack: 'acked',
  nack: 'nacked',
  reject: 'rejected',
  extend: undefined,
  giveBack: undefined,
}

export class Settlements {
  readonly #host: SettlementsHost
  /** Lots of which something acknowledged is not told yet. */
  #lots: Lot[] = []
  #sayings: Told[] = []
  #gathered = 0
  #underWay = 0
  #requests = 0
  #timer: Timer | undefined

  constructor(host: SettlementsHost) {
    this.#host = host
  }

  /** Messages of which the broker has not confirmed yet what became of them. */
  get unconfirmed(): number {
    return this.#gathered + this.#underWay
  }

  /** `number`: that of the message in the lot. */
  ack(lot: Lot, number: number): void {
    if (lot.ack(number)) this.#lots.push(lot)
    this.#added(1)
  }

  say(saying: SettleSaying): void {
    this.#sayings.push(saying)
    this.#added(saying.to - saying.from)
  }

  /** Tells what has gathered without waiting for more. */
  flush(): void {
    while (this.#gathered > 0 && this.#requests < REQUESTS_MAX) void this.#send()
  }

  #added(count: number): void {
    this.#gathered += count
    if (this.#gathered >= this.#host.batch) this.flush()
    else if (this.#timer === undefined) {
      this.#timer = this.#host.clock.setTimer(this.#host.lingerMs, () => {
        this.#timer = undefined
        this.flush()
      })
    }
  }

  async #send(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const sayings = this.#takeAll()
    const count = this.#gathered
    this.#gathered = 0
    this.#underWay += count
    this.#requests += 1
    try {
      const outcomes = await this.#persist(sayings)
      if (outcomes !== undefined) this.#confirm(sayings, outcomes)
    } finally {
      this.#underWay -= count
      this.#requests -= 1
      if (this.#gathered >= this.#host.batch || this.#timer === undefined) this.flush()
      this.#host.moved()
    }
  }

  #takeAll(): Told[] {
    const sayings = this.#sayings
    const lots = this.#lots
    this.#sayings = []
    this.#lots = []
    for (const lot of lots) {
      const { topic, partition, nonce, deliveryCount, lane } = lot.part
      for (const range of lot.ackedRanges())
        sayings.push({ what: 'ack', topic, partition, nonce, deliveryCount, lane, ...range })
    }
    return sayings
  }

  async #persist(sayings: readonly SettleSaying[]): Promise<readonly SettleOutcome[] | undefined> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#host.settle(sayings)
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        if (!(await this.#host.backOff(failures, error))) return undefined
      }
    }
  }

  /** Of each saying what the broker names, and the rest, which is as was said. */
  #confirm(sayings: readonly Told[], outcomes: readonly SettleOutcome[]): void {
    let next = 0
    for (const [i, saying] of sayings.entries()) {
      const asSaid = OUTCOMES[saying.what]
      const first = next
      while (outcomes[next]?.saying === i) next += 1
      if (asSaid === undefined) continue
      const { from, to, offsets } = saying
      if (first === next) this.#host.confirmed(saying, { from, to, offsets, outcome: asSaid })
      else this.#confirmSome(saying, outcomes.slice(first, next), asSaid)
    }
  }

  #confirmSome(saying: Told, outcomes: readonly SettleOutcome[], asSaid: OutcomeKind): void {
    const confirm = (from: number, to: number, outcome: OutcomeKind): void => {
      const offsets = saying.offsets?.filter((offset) => offset >= from && offset < to)
      if (from < to) this.#host.confirmed(saying, { from, to, offsets, outcome })
    }
    let at = saying.from
    for (const told of outcomes) {
      confirm(at, told.from, asSaid)
      confirm(told.from, told.to, outcomeOf(saying, told, asSaid))
      at = told.to
    }
    confirm(at, saying.to, asSaid)
  }
}

function outcomeOf({ what }: SettleSaying, told: SettleOutcome, asSaid: OutcomeKind): OutcomeKind {
  if (told.error !== 0) return 'lost'
  return what === 'nack' && told.timeMs === 0 ? 'dead' : asSaid
}
