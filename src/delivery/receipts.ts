/**
 * What workers say of what they were handed. Ranges of one call are taken in their order and answered each on its own:
 * one that is refused does not keep the others from being taken. All of them become durable together.
 */
import type { Groups } from '../groups/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { Ledger } from './ledger.ts'
import type { DeliveryCommand, Piece, Receipts as Said } from './machine/events.ts'
import type { Window } from './machine/window.ts'
import type { ReceiptRange } from './receipt.ts'

/** What became of one range: of its parts (with wall times), or why nothing did. */
export type RangeOutcome =
  | { readonly pieces: readonly Piece[]; readonly error?: undefined }
  | { readonly error: BrokerError; readonly pieces?: undefined }

export interface NackRequest {
  readonly ranges: readonly ReceiptRange[]
  /** Undefined: as the policy says. At most 7 days, in milliseconds. */
  readonly delayMs?: number | undefined
  readonly reason?: string | undefined
}

/** Characters of an error text that are kept; the rest is cut. */
const REASON_CHARS_MAX = 1_000

export interface ReceiptsOptions {
  readonly ledger: Ledger
  readonly groups: Groups
  /** Records were settled or given back: there may be room again. */
  readonly onRoom: (group: string) => void
}

type CommandFor = (said: Said) => DeliveryCommand

export class Receipts {
  readonly #options: ReceiptsOptions

  constructor(options: ReceiptsOptions) {
    this.#options = options
  }

  /** Resolves when what is acked survives the process. */
  async ack(ranges: readonly ReceiptRange[]): Promise<readonly RangeOutcome[]> {
    return await this.#sayAll(ranges, (said) => ({ kind: 'ack', ...said }))
  }

  async nack({ ranges, delayMs, reason }: NackRequest): Promise<readonly RangeOutcome[]> {
    const error = cut(reason)
    return await this.#sayAll(ranges, (said) => ({ kind: 'nack', ...said, delayMs, error }))
  }

  async reject({ ranges, reason }: NackRequest): Promise<readonly RangeOutcome[]> {
    const error = cut(reason)
    return await this.#sayAll(ranges, (said) => ({ kind: 'reject', ...said, error }))
  }

  /** From now on, and never beyond 12 h from the hand-out. */
  async extend(
    ranges: readonly ReceiptRange[],
    timeoutMs: number,
  ): Promise<readonly RangeOutcome[]> {
    return await this.#sayAll(ranges, (said) => ({ kind: 'extend', ...said, timeoutMs }))
  }

  async #sayAll(
    ranges: readonly ReceiptRange[],
    make: CommandFor,
  ): Promise<readonly RangeOutcome[]> {
    const { ledger, onRoom } = this.#options
    const outcomes = ranges.map((range) => this.#say(range, make))
    const [first] = ranges
    if (first !== undefined) onRoom(first.group)
    for (const { group } of ranges) if (group !== first?.group) onRoom(group)
    await ledger.committed()
    return outcomes
  }

  #say(range: ReceiptRange, make: CommandFor): RangeOutcome {
    try {
      const window = this.#windowOf(range)
      const { from, to, deliveries, nonce } = range
      this.#seen(window, from)
      const command = make({ window: window.id, nonce, from, to, deliveries })
      const { ledger } = this.#options
      const { pieces } = ledger.execute(command)
      const inWallTime = ({ dueMs, ...piece }: Piece): Piece => ({
        ...piece,
        dueMs: dueMs === 0 ? 0 : ledger.clock.wallMs(dueMs),
      })
      return { pieces: command.kind === 'ack' ? pieces : pieces.map(inWallTime) }
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

const cut = (reason = ''): string => reason.slice(0, REASON_CHARS_MAX)
