/** The routes of delayed messages. */
import type { TSchema } from 'typebox'
import type { RouteContract } from './contract.ts'
import * as delayed from './delayed.ts'
import { TopicParams } from './topics.ts'

const json = (schema: TSchema): Record<string, TSchema> => ({ 'application/json': schema })
const tag = 'Delayed messages'

export const DELAYED_ROUTES: readonly RouteContract[] = [
  {
    ...{ tag, path: 'delayedList', method: 'GET', params: TopicParams },
    summary: 'List the messages that wait',
    query: delayed.DelayedQuery,
    reply: json(delayed.DelayedList),
    errors: [404],
  },
  {
    ...{ tag, path: 'delayedByOffset', method: 'GET', params: delayed.DelayedOffsetParams },
    summary: 'Describe a delayed message: of the first partition that has one of that offset',
    reply: json(delayed.DelayedEntry),
    errors: [404],
  },
  {
    ...{ tag, path: 'delayed', method: 'GET', params: delayed.DelayedParams },
    summary: 'Describe a delayed message, in any state',
    reply: json(delayed.DelayedEntry),
    errors: [404],
  },
  {
    ...{ tag, path: 'delayed', method: 'DELETE', params: delayed.DelayedParams },
    summary: 'Cancel a delayed message: it is never delivered',
    reply: json(delayed.CancelReply),
    errors: [404, 409],
  },
  {
    ...{ tag, path: 'delayed', method: 'PATCH', params: delayed.DelayedParams },
    summary: 'Put a delayed message off, or bring it forward',
    body: json(delayed.RescheduleBody),
    reply: json(delayed.DelayedEntry),
    errors: [404, 409],
  },
  {
    ...{ tag, path: 'delayStats', method: 'GET', summary: 'Figures of delayed messages' },
    reply: json(delayed.DelayStats),
  },
]
