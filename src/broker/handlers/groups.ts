/** Consumer groups. Checks here are for callers in the same process; listeners have checked before. */
import type { Groups, PollRequest } from '../../groups/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Topics } from '../../topics/index.ts'
import type { GroupOperations } from '../groupOperations.ts'
import type { Handlers } from './handler.ts'

export const groupHandlers = (groups: Groups, topics: Topics): Handlers<keyof GroupOperations> => ({
  'groups.list': async () => groups.names(),
  'groups.describe': async ({ group }) => groups.describe(group),
  'groups.delete': async ({ group }) => {
    await groups.delete(group)
    return undefined
  },
  'groups.join': async (input) => await groups.join(input),
  'groups.heartbeat': async ({ group, memberId, generation }) =>
    groups.heartbeat(group, memberId, generation),
  'groups.leave': async ({ group, memberId }) => {
    await groups.leave(group, memberId)
    return undefined
  },
  'groups.poll': async (input, { signal }) => await groups.poll(checkedPoll(input), signal),
  'groups.offsets': async ({ group, topic }) => {
    const committed = new Map<string, ReadonlyMap<number, number>>()
    for (const [name, { floors }] of groups.get(group).topics) {
      if (floors.size > 0 && (topic === undefined || topic === name)) {
        committed.set(name, new Map(floors))
      }
    }
    // What is still on its way to the journal, behind a full disk perhaps, could yet be taken back by a crash.
    await groups.committed('leader')
    return committed
  },
  'groups.commit': async (input) => {
    checkPlaces('floors', input.floors)
    return await groups.commit(input)
  },
  'groups.reset': async (input) => {
    const { to } = input
    if ('offset' in to && !isCount(to.offset)) throw invalid('to', 'must be an offset from 0')
    if ('timeMs' in to && !Number.isFinite(to.timeMs)) throw invalid('to', 'must be a time')
    return await groups.reset(input)
  },
  'groups.fetch': async (input, { signal }) => {
    checkPlaces('reads', input.reads)
    return await groups.fetch({ ...input, ...bounded(input) }, signal)
  },
  'records.fetch': async (input, { signal }) => {
    const { reads } = input
    checkPlaces('reads', reads)
    const { maxBytes, waitMs } = bounded(input)
    const limit = { maxBytes, maxRecords: Number.MAX_SAFE_INTEGER }
    return await topics.fetcher.fetch(reads, limit, { waitMs, signal })
  },
})

/** Throws INVALID_REQUEST; more than the broker gives at once is cut. */
export function checkedPoll<P extends PollRequest>(input: P): P {
  const { maxMessages } = input
  if (!(maxMessages >= 1)) throw invalid('maxMessages', 'must be at least 1')
  const limit = { maxMessages: Math.min(Math.floor(maxMessages), LIMITS.readMessagesMax) }
  return { ...input, ...limit, ...bounded(input) }
}

const invalid = (field: string, what: string): BrokerError =>
  new BrokerError('INVALID_REQUEST', `${field} ${what}`, { fields: { [field]: what } })

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

/** More than the broker gives at once is no error: a reader goes on where the reply ends. */
function bounded({ maxBytes, waitMs }: { readonly maxBytes: number; readonly waitMs: number }) {
  if (!(maxBytes >= 1)) throw invalid('maxBytes', 'must be at least 1')
  if (!(waitMs >= 0)) throw invalid('waitMs', 'must be at least 0')
  return {
    maxBytes: Math.min(Math.floor(maxBytes), LIMITS.readBytesMax),
    waitMs: Math.min(waitMs, LIMITS.longPollMsMax),
  }
}

interface Place {
  readonly partition: number
  readonly offset: number
}

/** Throws INVALID_REQUEST. */
export function checkPlaces(list: string, places: readonly Place[]): void {
  if (places.length > LIMITS.fetchReadsMax) {
    throw invalid(list, `must be at most ${LIMITS.fetchReadsMax}`)
  }
  for (const [i, { partition, offset }] of places.entries()) {
    if (!isCount(partition)) throw invalid(`${list}[${i}].partition`, 'must be an integer from 0')
    if (!isCount(offset)) throw invalid(`${list}[${i}].offset`, 'must be an integer from 0')
  }
}
