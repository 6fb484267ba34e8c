/** What reading with and without a group have in common. */
import type { ConsumedMessage, DecodedRecord } from '../../client/index.ts'
import { parsePriority } from '../../kernel/priority.ts'
import { type MessageFormat, messageFormat } from '../messageFormat.ts'
import type { Output } from '../output.ts'

export interface Consumption {
  readonly url?: string | undefined
  readonly from: string | undefined
  readonly follow: boolean
  readonly count?: number | undefined
  readonly output?: string | undefined
}

/** Text on a terminal, else JSON, unless `name` says otherwise. Throws a UsageError where it is no format. */
export const consumedFormat = (out: Output, name?: string, showsTopic = false): MessageFormat =>
  messageFormat(name ?? (out.isTerminal ? 'text' : 'json'), { colours: out.colours, showsTopic })

const NOTES_MS = 5000

/** Says once in a while that the broker is away, however many partitions notice. */
export function troubleNote(out: Output): (trouble: { readonly message: string }) => void {
  let saidMs = Number.NEGATIVE_INFINITY
  return ({ message }) => {
    if (performance.now() - saidMs < NOTES_MS) return
    saidMs = performance.now()
    out.note(`${message}; trying again`)
  }
}

/** The message as formats take it. */
export function recordOf(message: ConsumedMessage): DecodedRecord {
  const { offset, timestamp: timestampMs, key, value, headers } = message
  const extension = Object.keys(headers).length === 0 ? undefined : { headers }
  const priority = parsePriority(message.priority) ?? 0
  return { offset, timestampMs, key, value, priority, extension, control: false }
}
