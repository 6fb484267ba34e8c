/** A work queue of five lanes: everything is handed out in the lane in which it was published, and nothing is forgotten. */
import { PRIORITIES } from '../clients/topic.ts'
import { workQueue } from './queue.ts'
import type { WorkContext, Workload } from './workload.ts'

export const priorityWorkload = (context: WorkContext): Workload =>
  workQueue(context, {
    ...{ name: 'priority', partitions: 2, assignment: 'range', sdk: false, durable: false },
    priorities: PRIORITIES,
  })
