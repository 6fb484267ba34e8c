/** The routes of priorities. */
import type { RouteContract } from './contract.ts'
import { PriorityStats } from './priority.ts'

export const PRIORITY_ROUTES: readonly RouteContract[] = [
  {
    ...{ tag: 'Deliveries', path: 'priorityStats', method: 'GET' },
    summary: 'What lies in each lane, and how it is served',
    reply: { 'application/json': PriorityStats },
  },
]
