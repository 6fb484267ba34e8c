/** What a worker asks of the broker: leases, and what is said of them. In raw form: records as stored, ranges. */
import {
  decodeLeaseParts,
  decodeOutcomes,
  encodeSettle,
  HEADER_REBALANCE,
  LEASE_TYPE,
  type LeasePart,
  RECEIPTS_MAX,
  SETTLE_TYPE,
  type SettleOutcome,
  type SettleSaying,
} from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { type Asker, pathOf } from '../connection.ts'

export interface LeaseRequest {
  readonly memberId: string
  readonly generation: number
  readonly maxMessages: number
  readonly maxBytes: number
  readonly waitMs: number
  readonly leaseMs: number
  readonly signal: AbortSignal
}

export interface Leased {
  readonly parts: readonly LeasePart[]
  /** The group has moved on: the member joins again. */
  readonly rebalance: boolean
}

export class Deliveries {
  readonly #asker: Asker
  readonly #group: string
  readonly #timeoutMs: number

  constructor(asker: Asker, group: string, timeoutMs: number) {
    this.#asker = asker
    this.#group = group
    this.#timeoutMs = timeoutMs
  }

  /** Resolves with no parts where nothing came in time. */
  async lease(request: LeaseRequest): Promise<Leased> {
    const { memberId, generation, maxMessages, maxBytes, waitMs, leaseMs, signal } = request
    const { headers, body } = await this.#asker.ask({
      method: 'POST',
      path: pathOf('groups', this.#group, 'lease'),
      json: {
        member_id: memberId,
        generation,
        max_messages: maxMessages,
        max_bytes: maxBytes,
        timeout: waitMs,
        visibility_timeout: leaseMs,
      },
      accept: LEASE_TYPE,
      timeoutMs: this.#timeoutMs + waitMs,
      signal,
    })
    const rebalance = headers[HEADER_REBALANCE] === '1'
    try {
      return { parts: decodeLeaseParts(body), rebalance }
    } catch (cause) {
      throw new BrokerError('CORRUPT_RECORD', 'a lease arrived damaged', { cause })
    }
  }

  /** Resolves with what is not plainly done; see api/lease.ts. Saying the same twice does no harm. */
  async settle(sayings: readonly SettleSaying[]): Promise<readonly SettleOutcome[]> {
    if (sayings.length <= RECEIPTS_MAX) return await this.#settle(sayings)
    const outcomes: SettleOutcome[] = []
    for (let at = 0; at < sayings.length; at += RECEIPTS_MAX) {
      for (const told of await this.#settle(sayings.slice(at, at + RECEIPTS_MAX))) {
        outcomes.push({ ...told, saying: at + told.saying })
      }
    }
    return outcomes
  }

  async #settle(sayings: readonly SettleSaying[]): Promise<readonly SettleOutcome[]> {
    const { body } = await this.#asker.ask({
      method: 'POST',
      path: pathOf('groups', this.#group, 'settle'),
      raw: { bytes: encodeSettle(sayings), contentType: SETTLE_TYPE },
      accept: SETTLE_TYPE,
      timeoutMs: this.#timeoutMs,
    })
    return decodeOutcomes(body)
  }

  async post(action: string, json: object, timeoutMs = this.#timeoutMs): Promise<unknown> {
    const path = pathOf('groups', this.#group, action)
    const { body } = await this.#asker.ask({ method: 'POST', path, json, timeoutMs })
    return JSON.parse(body.toString()) as unknown
  }
}
