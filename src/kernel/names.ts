import { BrokerError } from './errors.ts'
import { LIMITS } from './limits.ts'

/** The characters of a name as the source of a regular expression, for what names are parts of. */
export const NAME_PATTERN = `[a-zA-Z0-9._-]{1,${LIMITS.nameCharsMax}}`
const NAME = new RegExp(`^${NAME_PATTERN}$`)

/** Throws INVALID_TOPIC_NAME or INVALID_REQUEST where a topic's or group's name is not one. */
export function checkName(what: 'topic' | 'group', name: string): void {
  const problem = nameProblem(name)
  if (problem === undefined) return
  const code = what === 'topic' ? 'INVALID_TOPIC_NAME' : 'INVALID_REQUEST'
  throw new BrokerError(code, `${what} name ${problem}`, { fields: { name: problem } })
}

function nameProblem(name: string): string | undefined {
  if (!NAME.test(name)) {
    return `must be 1 to ${LIMITS.nameCharsMax} characters of a-z A-Z 0-9 . _ -`
  }
  if (name === '.' || name === '..') return 'must not be "." or ".."'
  if (name.startsWith('__')) return 'must not start with "__": such names are internal'
  return undefined
}
