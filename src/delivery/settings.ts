import type { DeliveryPolicy } from './machine/policy.ts'

export interface DeliverySettings {
  /** What holds where neither group nor topic says otherwise; each defaults on its own. */
  readonly policy: Partial<DeliveryPolicy>
  /** Polls of ack-mode groups that may wait at once; a further one is refused with TOO_MANY_WAITERS. Default 10,000. */
  readonly waitersMax: number
}

export const DEFAULT_DELIVERY_SETTINGS: DeliverySettings = { policy: {}, waitersMax: 10_000 }
