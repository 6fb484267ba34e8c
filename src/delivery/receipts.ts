/**
 * What workers say of what they were handed. Ranges of one call are taken in their order and answered each on its own:
 * one that is refused does not keep the others from being taken. All of them become durable together.
 */
import type { Groups } from '../groups/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import type { CommitAcks } from '../state/index.ts'
import type { Durability } from './durability.ts'
import type { Ledger } from './ledger.ts'
import {
  ANY_LANE,
  type DeliveryCommand,
  type Piece,
  type Receipts as Said,
} from './machine/events.ts'
import type { Window } from './machine/window.ts'
import type { ReceiptRange } from './receipt.ts'

/** What became of one range: of its parts (with wall times), or why nothing did. */
export type RangeOutcome =
  | { readonly pieces: readonly Piece[]; readonly error?: undefined }
  | { readonly error: BrokerError; readonly pieces?: undefined }

/** ack, nack, reject, extend, or give back what was not looked at: that hand-out is not counted. */
export type SayingKind = 'ack' | 'nack' | 'reject' | 'extend' | 'giveBack'

export interface Saying {
  readonly kind: SayingKind
  readonly range: ReceiptRange
  /** nack: when it is handed out again (undefined: as the policy says); extend: how long it is held from now. In ms. */
  readonly timeMs?: number | undefined
  /** What the worker says of it. */
  readonly reason?: string | undefined
}

/** Records that one range may speak of: no hand-out is larger. */
const RANGE_MAX = LIMITS.readMessagesMax
/** Ranges that one change settles: its event stays small. */
const ACKS_TOGETHER_MAX = 1_000
/** Characters of an error text that are kept; the rest is cut. */
const REASON_CHARS_MAX = 1_000

export interface ReceiptsOptions {
  readonly ledger: Ledger
  readonly groups: Groups
  readonly durability: Durability
  /** Records were settled or given back: there may be room again. */
  readonly onRoom: (group: string) => void
  /** Records of it can be handed out at once. */
  readonly onGivenBack: (window: Window) => void
  /** How to tell the lane of a record of it. */
  readonly lanesOf: (window: Window) => Said['laneAt']
}

export class Receipts {
  readonly #options: ReceiptsOptions

  constructor(options: ReceiptsOptions) {
    this.#options = options
  }

  /** Resolves when what was said survives the process; the machine, where a group or topic of it asks for that. */
  async say(sayings: readonly Saying[]): Promise<readonly RangeOutcome[]> {
    const outcomes: RangeOutcome[] = []
    while (outcomes.length < sayings.length) {
      const together = acksTogether(sayings, outcomes.length)
      const first = sayings[outcomes.length] as Saying
      if (together.length > 0) this.#ackAll(first, together, outcomes)
      else outcomes.push(this.#say(first))
    }
    await this.#options.durability.reached(this.#heard(sayings))
    return outcomes
  }

  /** Tells each group that it may have room again. Returns how durable all of it must be. */
  #heard(sayings: readonly Saying[]): CommitAcks {
    const { durability, onRoom } = this.#options
    let acks: CommitAcks = 'leader'
    let [group, topic] = ['', '']
    // Neighbours are mostly of one group and topic.
    for (const { range } of sayings) {
      if (range.group === group && range.topic === topic) continue
      if (range.group !== group) onRoom(range.group)
      group = range.group
      topic = range.topic
      if (durability.asked(group, [topic]) === 'all') acks = 'all'
    }
    return acks
  }

  #say(saying: Saying): RangeOutcome {
    const { ledger } = this.#options
    try {
      const { from, to, deliveries, nonce, lane } = saying.range
      if (!isFair(saying.range)) throw tooLarge(to - from)
      const window = this.#windowOf(saying.range)
      this.#seen(window, from)
      const laneAt = window.cursors && this.#options.lanesOf(window)
      const said = { window: window.id, nonce, from, to, deliveries, lane, laneAt }
      const { pieces } = ledger.execute(commandOf(saying, said))
      if (saying.kind === 'ack') return { pieces }
      if (saying.kind === 'giveBack') this.#options.onGivenBack(window)
      return { pieces: pieces.map((piece) => inWallTime(ledger, piece)) }
    } catch (error) {
      if (error instanceof BrokerError) return { error }
      throw error
    }
  }

  /** One change for all of them: with priorities there may be as many ranges as messages. */
  #ackAll({ range }: Saying, ranges: readonly ReceiptRange[], outcomes: RangeOutcome[]): void {
    try {
      const window = this.#windowOf(range)
      this.#seen(window, range.from)
      const { from, to, deliveries, nonce, lane } = range
      const laneAt = window.cursors && this.#options.lanesOf(window)
      const also: number[] = []
      for (let i = 1; i < ranges.length; i += 1) {
        const next = ranges[i] as ReceiptRange
        also.push(next.lane ?? ANY_LANE, next.from, next.to)
      }
      const said = { window: window.id, nonce, from, to, deliveries, lane, laneAt }
      const { pieces } = this.#options.ledger.execute({ kind: 'ack', ...said, also })
      let at = 0
      for (const { to: end } of ranges) {
        const start = at
        while (pieces[at] !== undefined && (pieces[at] as Piece).to < end) at += 1
        at += 1
        outcomes.push({ pieces: pieces.slice(start, at) })
      }
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      for (const _ of ranges) outcomes.push({ error })
    }
  }

  /** Whoever speaks of a lease lives. */
  #seen(window: Window, offset: number): void {
    const run = window.runAt(offset)
    const holder = run === undefined ? undefined : window.table.holder(run)?.id
    if (holder !== undefined) this.#options.groups.seen(window.group.name, holder)
  }

  #windowOf({ group: id, topic, partition }: ReceiptRange): Window {
    const { ledger, groups } = this.#options
    const window = ledger.state.groups.get(id)?.window(topic, partition)
    if (window !== undefined) return window
    const group = groups.get(id)
    if (group.mode !== 'ack') {
      throw new BrokerError('GROUP_MODE_CONFLICT', `group ${id} is in mode ${group.mode}`)
    }
    const where = `${topic}-${partition}`
    throw new BrokerError('RECEIPT_NOT_FOUND', `nothing of ${where} was handed out to group ${id}`)
  }
}

/** Of one lane any range may be: what of others lies in it costs nothing. */
const isFair = ({ from, to, lane }: ReceiptRange): boolean =>
  to > from && (to - from <= RANGE_MAX || lane !== undefined)

/** The ranges from `first` on that are acks of one hand-out; none where there is one alone. */
function acksTogether(sayings: readonly Saying[], first: number): readonly ReceiptRange[] {
  const ranges: ReceiptRange[] = []
  const begun = sayings[first]
  if (begun?.kind !== 'ack' || sayings[first + 1]?.kind !== 'ack') return ranges
  const { group, topic, partition, nonce, deliveries } = begun.range
  for (let i = first; i < sayings.length && ranges.length < ACKS_TOGETHER_MAX; i += 1) {
    const { kind, range } = sayings[i] as Saying
    const isSame =
      kind === 'ack' &&
      range.nonce === nonce &&
      range.deliveries === deliveries &&
      range.partition === partition &&
      range.topic === topic &&
      range.group === group
    if (!isSame || !isFair(range)) break
    ranges.push(range)
  }
  return ranges.length > 1 ? ranges : []
}

function commandOf({ kind, timeMs, reason }: Saying, said: Said): DeliveryCommand {
  switch (kind) {
    case 'ack':
      return { kind, ...said }
    case 'nack':
      return { kind, ...said, delayMs: timeMs, error: cut(reason) }
    case 'reject':
      return { kind, ...said, error: cut(reason) }
    case 'extend':
      return { kind, ...said, timeoutMs: timeMs ?? 0 }
    case 'giveBack':
      return { kind: 'takeBack', ...said }
  }
}

const tooLarge = (size: number): BrokerError =>
  new BrokerError('INVALID_REQUEST', `a range of ${size} records, at most ${RANGE_MAX}`)

const cut = (reason = ''): string => reason.slice(0, REASON_CHARS_MAX)

const inWallTime = (ledger: Ledger, piece: Piece): Piece => ({
  ...piece,
  dueMs: piece.dueMs === 0 ? 0 : ledger.clock.wallMs(piece.dueMs),
})
