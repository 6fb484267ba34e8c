/** Settings of deliveries: what holds where neither a group nor a topic says otherwise. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../kernel/units.ts'
import { choice, duration, integer } from './kinds.ts'

const deliveries = { section: 'Deliveries' }

export const deliverySettings = {
  visibilityTimeoutMs: duration({
    ...deliveries,
    default: 30 * SECOND_MS,
    minimum: 1,
    maximum: 12 * HOUR_MS,
    description: 'How long a lease lasts where the poll does not say, in milliseconds.',
  }),
  maxRetries: integer({
    ...deliveries,
    default: 3,
    minimum: 0,
    maximum: 1_000,
    description: 'Failures of a message that are forgiven; the next one makes it a dead letter.',
  }),
  backoffMs: duration({
    ...deliveries,
    default: 1 * SECOND_MS,
    minimum: 0,
    maximum: DAY_MS,
    description: 'Wait after the first failure, in milliseconds; doubled with each further one.',
  }),
  maxBackoffMs: duration({
    ...deliveries,
    default: 1 * MINUTE_MS,
    minimum: 0,
    maximum: 7 * DAY_MS,
    description: 'The longest of these waits, in milliseconds.',
  }),
  maxInFlight: integer({
    ...deliveries,
    default: 1_000,
    minimum: 1,
    maximum: 100_000,
    description: 'Messages that one member may hold; at the limit it is handed no more.',
  }),
  maxUnresolved: integer({
    ...deliveries,
    default: 10_000,
    minimum: 1,
    maximum: 100_000,
    description:
      'Messages of one partition that a group may have been handed and not settled; likewise.',
  }),
  ackDurability: choice(['leader', 'all'], {
    ...deliveries,
    default: 'leader',
    description:
      'What hand-outs, acks and commits survive: a crash of the broker, or a power cut too.',
  }),
}
