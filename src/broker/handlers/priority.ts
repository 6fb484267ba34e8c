/** Priorities: their figures. */
import type { Delivery } from '../../delivery/index.ts'
import type { PriorityOperations } from '../priorityOperations.ts'
import type { Handlers } from './handler.ts'

export const priorityHandlers = (delivery: Delivery): Handlers<keyof PriorityOperations> => ({
  'priority.stats': async () => await delivery.priorities(),
})
