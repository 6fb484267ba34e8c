/** What a decision is made of. */
import { BrokerError } from '../../kernel/errors.ts'
import type { Decision } from '../../state/index.ts'
import type { DeliveryCommand, DeliveryEvent, DeliveryReply } from './events.ts'
import type { DeliveryState } from './state.ts'
import type { Window } from './window.ts'

export interface World {
  readonly state: DeliveryState
  readonly nowMs: number
  readonly random: () => number
}

export type Decided = Decision<DeliveryEvent, DeliveryReply>
export type CommandOf<K extends DeliveryCommand['kind']> = Extract<DeliveryCommand, { kind: K }>

/** Throws RECEIPT_NOT_FOUND. */
export function windowOf(state: DeliveryState, id: number): Window {
  const window = state.windows.get(id)
  if (window !== undefined) return window
  throw new BrokerError('RECEIPT_NOT_FOUND', 'nothing of this partition was handed out')
}
