/** One look at a broker, over the routes that everybody may ask. */
import type { Connection, PriorityStats } from '../../client/index.ts'
import { Samples } from './samples.ts'

export interface Look {
  /** When it was taken, in milliseconds that never go back. */
  readonly atMs: number
  readonly samples: Samples
  readonly priorities: PriorityStats
}

/** A broker that is stopped in its tracks shows as one that does not answer, and soon. */
const TIMEOUT_MS = 3_000

/** Rejects as other requests do: CONNECTION_FAILED, RECOVERING, UNAUTHORIZED, … */
export async function look(connection: Connection): Promise<Look> {
  const [metrics, priorities] = await Promise.all([
    connection.ask({ method: 'GET', path: '/metrics', accept: '*/*', timeoutMs: TIMEOUT_MS }),
    connection.askJson({ method: 'GET', path: '/priority/stats', timeoutMs: TIMEOUT_MS }),
  ])
  return {
    atMs: performance.now(),
    samples: new Samples(metrics.body.toString()),
    priorities: priorities as PriorityStats,
  }
}
