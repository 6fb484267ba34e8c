/**
 * The name of a lease: `group:topic:partition:offset:deliveryCount:nonce`. None of the names holds a colon; the nonce
 * is 8 hexadecimal digits.
 */
import { NAME_PATTERN } from '../kernel/names.ts'

const RECEIPT = new RegExp(
  `^(${NAME_PATTERN}):(${NAME_PATTERN}):(\\d{1,9}):(\\d{1,16}):(\\d{1,9}):([0-9a-f]{8})$`,
)

/** Records of one hand-out: one, or neighbours. */
export interface ReceiptRange {
  /** Only records of this lane are meant; undefined: each in the range. */
  readonly lane?: number | undefined
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** The first offset that is not in it. */
  readonly to: number
  /** The hand-out of which it speaks. */
  readonly deliveries: number
  readonly nonce: number
}

/** Undefined where the text is no receipt. */
export function parseReceipt(text: string): ReceiptRange | undefined {
  const parts = RECEIPT.exec(text)
  if (parts === null) return undefined
  const [, group = '', topic = '', partition, offset, deliveries, nonce = ''] = parts
  const from = Number(offset)
  if (!Number.isSafeInteger(from + 1)) return undefined
  return {
    group,
    topic,
    partition: Number(partition),
    from,
    to: from + 1,
    deliveries: Number(deliveries),
    nonce: Number.parseInt(nonce, 16),
  }
}

export const nonceText = (nonce: number): string => nonce.toString(16).padStart(8, '0')
