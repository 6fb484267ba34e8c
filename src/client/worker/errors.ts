/** What a handler throws to say more than that it failed. */

/** Longest text of a reason that is sent along; the broker keeps as much. */
const REASON_CHARS_MAX = 1000

/** Hand it out again after `delayMs`, whatever the group's backoff says. It counts as a failure. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater'
  /** Milliseconds, at most 7 days. */
  readonly delayMs: number

  constructor(delayMs: number, reason = 'to be retried later', options?: ErrorOptions) {
    super(reason, options)
    this.delayMs = delayMs
  }
}

/** No retry can help: into the dead letters at once. */
export class Reject extends Error {
  override readonly name = 'Reject'

  constructor(reason = 'rejected by the handler', options?: ErrorOptions) {
    super(reason, options)
  }
}

/** What the broker is told of an error: of the two above their reason, of others also their name. */
export function reasonOf(error: unknown): string {
  if (error instanceof RetryLater || error instanceof Reject) return cut(error.message)
  if (error instanceof Error) return cut(`${error.name}: ${error.message}`)
  return cut(String(error))
}

const cut = (text: string): string => text.slice(0, REASON_CHARS_MAX)
