/** Ids that name a request in replies and logs: the caller's own where it sends a sound one, else a new one. */
import type { IncomingMessage } from 'node:http'

export const REQUEST_ID_HEADER = 'x-request-id'

const SOUND = /^[A-Za-z0-9._:/+=@-]{1,128}$/

/** A new id is a random start of the process and a count. */
export function requestIds(random: () => number): (request: IncomingMessage) => string {
  const prefix = Math.floor(random() * 36 ** 8)
    .toString(36)
    .padStart(8, '0')
  let count = 0
  return ({ headers }) => {
    const given = headers[REQUEST_ID_HEADER]
    if (typeof given === 'string' && SOUND.test(given)) return given
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}
