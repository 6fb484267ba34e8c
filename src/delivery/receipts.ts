/**
 * What workers say of what they were handed. Ranges of one call are taken in their order and answered each on its own:
 * one that is refused does not keep the others from being taken. All of them become durable together.
 */
import type { Groups } from '../groups/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import type { Ledger } from './ledger.ts'
import type { DeliveryCommand, Piece, Receipts as Said } from './machine/events.ts'
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
/** Characters of an error text that are kept; the rest is cut. */
const REASON_CHARS_MAX = 1_000

export interface ReceiptsOptions {
  readonly ledger: Ledger
  readonly groups: Groups
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

  /** Resolves when what was said survives the process. */
  async say(sayings: readonly Saying[]): Promise<readonly RangeOutcome[]> {
    const { ledger, onRoom } = this.#options
    const outcomes = sayings.map((saying) => this.#say(saying))
    let told: string | undefined
    for (const { range } of sayings) {
      if (range.group === told) continue
      told = range.group
      onRoom(told)
    }
    await ledger.committed()
    return outcomes
  }

  #say(saying: Saying): RangeOutcome {
    const { ledger } = this.#options
    try {
      const { from, to, deliveries, nonce } = saying.range
      if (!(to > from && to - from <= RANGE_MAX)) throw tooLarge(to - from)
      const window = this.#windowOf(saying.range)
      this.#seen(window, from)
      const laneAt = window.cursors && this.#options.lanesOf(window)
      const said = { window: window.id, nonce, from, to, deliveries, laneAt }
      const { pieces } = ledger.execute(commandOf(saying, said))
      if (saying.kind === 'ack') return { pieces }
      if (saying.kind === 'giveBack') this.#options.onGivenBack(window)
      return { pieces: pieces.map((piece) => inWallTime(ledger, piece)) }
    } catch (error) {
      if (error instanceof BrokerError) return { error }
      throw error
    }
  }

  /** Whoever speaks of a lease lives. */
  #seen(window: Window, offset: number): void {
    const run = window.runs[window.placeOf(offset)]
    const holder = run?.lease?.holder.id
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

const inWallTime = (ledger: Ledger, { dueMs, ...piece }: Piece): Piece => ({
  ...piece,
  dueMs: dueMs === 0 ? 0 : ledger.clock.wallMs(dueMs),
})
