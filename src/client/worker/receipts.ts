/** What is said of leases by the name of each: for programs that were given receipts and are no worker. */
import type { Ask } from '../connection.ts'

/** What asks and reads JSON: a Connection. */
export interface JsonAsker {
  askJson(ask: Ask): Promise<unknown>
}

/** What became of one receipt; `code` says why nothing did: LEASE_LOST, RECEIPT_NOT_FOUND, INVALID_REQUEST, … */
export interface ReceiptResult {
  readonly receipt_handle: string
  readonly code?: string
  readonly [field: string]: unknown
}

export class Receipts {
  readonly #asker: JsonAsker

  constructor(asker: JsonAsker) {
    this.#asker = asker
  }

  /** Done: they are not handed out again. At most 10,000 receipts; resolves with what became of each, in their order. */
  ack(receipts: readonly string[]): Promise<readonly ReceiptResult[]> {
    return this.#say('ack', receipts, {})
  }

  /** Failed: they are handed out again after `delayMs` (default: the group's backoff), or are dead letters. */
  nack(
    receipts: readonly string[],
    { delayMs, reason }: { readonly delayMs?: number | undefined; readonly reason?: string } = {},
  ): Promise<readonly ReceiptResult[]> {
    return this.#say('nack', receipts, { delay: delayMs, reason })
  }

  /** Hopeless: dead letters at once. */
  reject(
    receipts: readonly string[],
    { reason }: { readonly reason?: string } = {},
  ): Promise<readonly ReceiptResult[]> {
    return this.#say('reject', receipts, { reason })
  }

  /** Held for `timeoutMs` from now, at most 12 h from the hand-out. */
  extend(receipts: readonly string[], timeoutMs: number): Promise<readonly ReceiptResult[]> {
    return this.#say('visibility', receipts, { timeout: timeoutMs })
  }

  async #say(
    what: string,
    receipt_handles: readonly string[],
    more: object,
  ): Promise<readonly ReceiptResult[]> {
    if (receipt_handles.length === 0) return []
    const path = `/messages/${what}`
    const reply = await this.#asker.askJson({
      method: 'POST',
      path,
      json: { receipt_handles, ...more },
    })
    return (reply as { readonly results: readonly ReceiptResult[] }).results
  }
}
