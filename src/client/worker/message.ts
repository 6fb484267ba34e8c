/** What a worker's handler is given: a message, and the lease under which it has it. */
import type { LeasePart } from '../../api/index.ts'
import { ConsumedMessage } from '../consumer/message.ts'

/** `group:topic:partition:offset:deliveryCount:nonce`: the name of a lease. */
function receiptOf(group: string, part: LeasePart, offset: number): string {
  const { topic, partition, deliveryCount, nonce } = part
  const nonceText = nonce.toString(16).padStart(8, '0')
  return `${group}:${topic}:${partition}:${offset}:${deliveryCount}:${nonceText}`
}

export class WorkMessage extends ConsumedMessage {
  readonly #group: string
  readonly #part: LeasePart

  constructor(group: string, part: LeasePart, at: number) {
    super(part, at)
    this.#group = group
    this.#part = part
  }

  /** How often it was handed out to this group, this time included. */
  get deliveryCount(): number {
    return this.#part.deliveryCount
  }

  /** Names the lease, for programs that are told of it. The worker itself settles it. */
  get receipt(): string {
    return receiptOf(this.#group, this.#part, this.offset)
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), deliveryCount: this.deliveryCount }
  }
}
