/** `GET /priority/stats`. */
import { JSON_TYPE } from '../../api/index.ts'
import { MiB } from '../../kernel/units.ts'
import { callerOf } from './caller.ts'
import { writePriorityStats } from './priorityText.ts'
import { JsonOutput } from './read/jsonOutput.ts'
import type { RouteContext, Routes } from './routes.ts'

const SPARE_BYTES_MAX = 4 * MiB

export function priorityRoutes({ broker }: RouteContext): Routes {
  /**
   * Taken by one reply at a time until it is on its way: half a megabyte of fresh memory for each costs as much as
   * what is written into it, and every hundred of them a collection of the whole heap.
   */
  let spare: JsonOutput | undefined
  return {
    'GET priorityStats': async (request, reply) => {
      const figures = await broker.call('priority.stats', {}, callerOf(request))
      const output = spare ?? new JsonOutput()
      spare = undefined
      writePriorityStats(figures, output)
      reply.raw.once('close', () => {
        if (output.length <= SPARE_BYTES_MAX) spare = output
      })
      reply.type(JSON_TYPE).send(output.view())
    },
  }
}
