/** The operations of priorities. */
import type { PriorityFigures } from '../delivery/index.ts'

export interface PriorityOperations {
  /** What lies in each lane of each partition, how fast it comes and goes, and how each group serves its lanes. */
  'priority.stats': { input: Record<string, never>; output: PriorityFigures }
}
