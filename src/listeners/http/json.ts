/** JSON bodies: what is text, and what is JSON. */
import { isUtf8 } from 'node:buffer'
import { BrokerError } from '../../kernel/errors.ts'

/** The body as text. Throws INVALID_REQUEST where it is empty or not UTF-8: bytes would be lost in silence else. */
export function bodyText(body: unknown): string {
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw new BrokerError('INVALID_REQUEST', 'a JSON body is required')
  }
  if (!isUtf8(body)) throw new BrokerError('INVALID_REQUEST', 'the body is not UTF-8')
  return body.toString('utf8')
}

/** Throws INVALID_REQUEST where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unreadable'
    throw new BrokerError('INVALID_REQUEST', `the body is not JSON: ${why}`)
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
