/** Delayed messages. Checks here are for callers in the same process; listeners have checked before. */
import { type Delay, DUE_MS_MAX } from '../../delay/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { publishLater, type Topics } from '../../topics/index.ts'
import type { DelayOperations } from '../delayOperations.ts'
import type { Handlers } from './handler.ts'
import { checkBatch } from './records.ts'

export const delayHandlers = (delay: Delay, topics: Topics): Handlers<keyof DelayOperations> => ({
  'delay.publishBatch': async ({ topic: name, partition, batch, producer }) => {
    checkBatch(batch)
    const topic = topics.get(name)
    return await publishLater(topic, batch, {
      partition,
      producer,
      later: delay.laterAppends(topic),
    })
  },
  'delay.list': async ({ topic, ...query }) => {
    const { limit } = query
    if (!(limit >= 1)) throw invalid('limit', 'must be at least 1')
    const bounded = Math.min(Math.floor(limit), LIMITS.delayedListMax)
    return await delay.list(topic, { ...query, limit: bounded })
  },
  'delay.get': async ({ topic, partition, offset }) => {
    checkOffset(offset)
    return await delay.get(topic, partition, offset)
  },
  'delay.cancel': async ({ topic, partition, offset }) => {
    checkOffset(offset)
    await delay.cancel(topic, { partition, offset })
    return undefined
  },
  'delay.reschedule': async ({ topic, partition, offset, dueMs }) => {
    checkOffset(offset)
    if (!(Number.isSafeInteger(dueMs) && dueMs >= 0 && dueMs <= DUE_MS_MAX)) {
      throw invalid('dueMs', 'must be a time in milliseconds')
    }
    return await delay.reschedule(topic, { partition, offset }, dueMs)
  },
  'delay.stats': async () => delay.stats(),
})

function checkOffset(offset: number): void {
  if (!(Number.isSafeInteger(offset) && offset >= 0)) {
    throw invalid('offset', 'must be an integer from 0')
  }
}

const invalid = (field: string, what: string): BrokerError =>
  new BrokerError('INVALID_REQUEST', `${field} ${what}`, { fields: { [field]: what } })
