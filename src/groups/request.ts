/** What a member may ask for, checked before anything is decided. */

import { formatDurationMs } from '../kernel/duration.ts'
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import { checkName } from '../kernel/names.ts'
import { SECOND_MS } from '../kernel/units.ts'
import type { AssignmentName } from './assignors.ts'
import type { GroupMode, Membership, OffsetReset } from './events.ts'

export interface JoinRequest {
  readonly group: string
  readonly clientId: string
  /** 1 to 100 names; the topics need not exist yet. */
  readonly topics: readonly string[]
  /** Default 30 s, 1 s to 30 min. */
  readonly sessionTimeoutMs?: number | undefined
  /** Default: the group's; for a new group `ack`. */
  readonly mode?: GroupMode | undefined
  /** Default: the group's; for a new group `range`. */
  readonly assignment?: AssignmentName | undefined
  /** Of a member that joins again, or chosen by the client. Default: made here from the client id. */
  readonly memberId?: string | undefined
  /** Where to begin where there is no floor that can be read. Default `earliest`. */
  readonly offsetReset?: OffsetReset | undefined
}

const DEFAULT_SESSION_TIMEOUT_MS = 30 * SECOND_MS
const CLIENT_ID_CHARS_MAX = 200
// A member id is a client id, a dash and 16 hexadecimal digits.
const MEMBER_ID_CHARS_MAX = CLIENT_ID_CHARS_MAX + 17
const PRINTABLE = /^[^\p{Cc}\p{Cs}]+$/u

/** The membership asked for; its member id is empty where the request has none. Throws INVALID_REQUEST or INVALID_TOPIC_NAME. */
export function checkedMembership(request: JoinRequest): Membership {
  const { clientId, memberId = '', sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS } = request
  checkName('group', request.group)
  const fields: Record<string, string> = {}
  if (!isId(clientId, CLIENT_ID_CHARS_MAX)) {
    fields['client_id'] = `must be 1 to ${CLIENT_ID_CHARS_MAX} printable characters`
  }
  if (memberId !== '' && !isId(memberId, MEMBER_ID_CHARS_MAX)) {
    fields['member_id'] = `must be 1 to ${MEMBER_ID_CHARS_MAX} printable characters`
  }
  const { sessionTimeoutMsMin: min, sessionTimeoutMsMax: max } = LIMITS
  if (!(sessionTimeoutMs >= min && sessionTimeoutMs <= max)) {
    fields['session_timeout'] = `must be ${formatDurationMs(min)} to ${formatDurationMs(max)}`
  }
  const topics = [...new Set(request.topics)].sort()
  if (topics.length === 0 || topics.length > LIMITS.memberTopicsMax) {
    fields['topics'] = `must be 1 to ${LIMITS.memberTopicsMax} topics`
  }
  const [first] = Object.entries(fields)
  if (first !== undefined) {
    throw new BrokerError('INVALID_REQUEST', `${first[0]} ${first[1]}`, { fields })
  }
  for (const topic of topics) checkName('topic', topic)
  const { offsetReset = 'earliest' } = request
  return { memberId, clientId, topics, sessionTimeoutMs, offsetReset }
}

const isId = (id: string, charsMax: number): boolean =>
  id.length > 0 && id.length <= charsMax && PRINTABLE.test(id)
