/** The routes of deliveries. */
import type { TSchema } from 'typebox'
import type { RouteContract } from './contract.ts'
import * as letters from './deadLetters.ts'
import * as delivery from './delivery.ts'
import { GroupParams } from './groups.ts'
import { LEASE_TYPE, LeaseBody, SETTLE_TYPE } from './lease.ts'
import { TopicParams } from './topics.ts'

const json = (schema: TSchema): Record<string, TSchema> => ({ 'application/json': schema })
const tag = 'Deliveries'
const bytes = (description: string): TSchema => ({ type: 'string', format: 'binary', description })

const policy = (path: 'groupDelivery' | 'topicDelivery', params: TSchema): RouteContract[] => {
  const whose = path === 'groupDelivery' ? 'a group' : 'a topic'
  return [
    {
      ...{ tag, path, method: 'GET', params, summary: `The delivery policy of ${whose}` },
      reply: json(delivery.PolicyReply),
      errors: [404],
    },
    {
      ...{ tag, path, method: 'PATCH', params, summary: `Change the delivery policy of ${whose}` },
      body: json(delivery.PolicyInput),
      reply: json(delivery.PolicyReply),
      errors: [404, 422],
    },
  ]
}

export const DELIVERY_ROUTES: readonly RouteContract[] = [
  {
    ...{ tag, path: 'ack', method: 'POST', summary: 'Settle what is done' },
    body: json(delivery.AckBody),
    reply: json(delivery.AckReply),
    errors: [404, 409],
  },
  {
    ...{ tag, path: 'nack', method: 'POST', summary: 'Give back what failed, for another try' },
    body: json(delivery.NackBody),
    reply: json(delivery.NackReply),
    errors: [404, 409],
  },
  {
    ...{ tag, path: 'reject', method: 'POST', summary: 'Send to the dead letters at once' },
    body: json(delivery.RejectBody),
    reply: json(delivery.RejectReply),
    errors: [404, 409],
  },
  {
    ...{ tag, path: 'visibility', method: 'POST', summary: 'Hold longer' },
    body: json(delivery.VisibilityBody),
    reply: json(delivery.VisibilityReply),
    errors: [404, 409],
  },
  {
    ...{ tag, path: 'reliability', method: 'GET', summary: 'Figures of deliveries' },
    reply: json(delivery.ReliabilityStats),
  },
  {
    ...{ tag, path: 'groupLease', method: 'POST', params: GroupParams },
    summary: 'Poll in raw form: leased records as stored, with one nonce',
    body: json(LeaseBody),
    reply: {
      [LEASE_TYPE]: bytes(
        'parts back to back, none where nothing came; docs/delivery.md has them byte by byte. ' +
          'With x-goqueue-rebalance: 1 the member joins again',
      ),
    },
    errors: [404, 409],
  },
  {
    ...{ tag, path: 'groupSettle', method: 'POST', params: GroupParams },
    summary: 'Ack, nack, reject, extend or give back in raw form: ranges of offsets',
    body: { [SETTLE_TYPE]: bytes('sayings back to back') },
    reply: { [SETTLE_TYPE]: bytes('outcomes back to back, of all that is not plainly done') },
    errors: [404, 409],
  },
  {
    ...{ tag, path: 'deadLetters', method: 'GET', params: TopicParams },
    summary: 'List the dead letters of a topic',
    query: letters.DeadLettersQuery,
    reply: json(letters.DeadLettersReply),
    errors: [404],
  },
  {
    ...{ tag, path: 'redrives', method: 'POST', params: TopicParams, status: 202 },
    summary: 'Bring dead letters back, in the background',
    body: json(letters.RedriveBody),
    reply: json(letters.TaskReply),
    errors: [404, 429],
  },
  {
    ...{ tag, path: 'redrives', method: 'GET', params: TopicParams },
    summary: 'List the redrives of a topic',
    reply: json(letters.TaskList),
    errors: [404],
  },
  {
    ...{ tag, path: 'redrive', method: 'GET', params: letters.RedriveParams },
    summary: 'Describe a redrive',
    reply: json(letters.TaskReply),
    errors: [404],
  },
  {
    ...{ tag, path: 'redrive', method: 'DELETE', params: letters.RedriveParams },
    summary: 'Cancel a redrive; what came back stays',
    reply: json(letters.TaskReply),
    errors: [404],
  },
  ...policy('groupDelivery', GroupParams),
  ...policy('topicDelivery', TopicParams),
]
