import type { DelaySettings } from '../delay/index.ts'
import type { DeliverySettings } from '../delivery/index.ts'
import type { GroupsSettings } from '../groups/index.ts'
import { MiB, SECOND_MS } from '../kernel/units.ts'
import type { TopicsSettings } from '../topics/index.ts'

export interface BrokerSettings {
  /** Number of this broker in replies about leaders and replicas. Default 0. */
  readonly nodeId: number
  /** Publishes under way at once; a further one is refused with BROKER_OVERLOADED. Default 10,000. */
  readonly publishesMax: number
  /** Bytes of keys and values of those; refused alike. Default 64 MiB. */
  readonly publishBytesMax: number
  /** How long stopping waits for calls under way before it closes the logs under them. Default 5000 ms. */
  readonly drainTimeoutMs: number
  /** Each defaults on its own. */
  readonly topics: Partial<TopicsSettings>
  readonly groups: Partial<GroupsSettings>
  readonly delivery: Partial<DeliverySettings>
  readonly delay: Partial<DelaySettings>
}

export const DEFAULT_BROKER_SETTINGS: BrokerSettings = {
  nodeId: 0,
  publishesMax: 10_000,
  publishBytesMax: 64 * MiB,
  drainTimeoutMs: 5 * SECOND_MS,
  topics: {},
  groups: {},
  delivery: {},
  delay: {},
}
