/** How long a daemon takes from its start to its first right answer, over data that lies there already. */
import { readRequest, request, TOPIC } from '../load/requests.ts'
import type { BenchContext } from './context.ts'
import { firstAnswer } from './firstAnswer.ts'
import type { Side } from './scenario.ts'
import type { Server } from './servers.ts'

const VALUE_BYTES = 992
const RECORD_BYTES = 1_024
const BATCH = 1_000
const ANSWER_MS_MAX = 60_000

export interface Stored {
  readonly directory: string
  readonly records: number
}

/** A data directory with `startBytes` of records, its daemon still running. */
export async function storeForStart(context: BenchContext): Promise<Stored & { server: Server }> {
  const directory = context.directory('start')
  const server = await context.daemon({ directory })
  const records = Math.floor(context.settings.startBytes / RECORD_BYTES / BATCH) * BATCH
  await context.load<'filling'>({
    kind: 'filling',
    port: server.port,
    partitions: 1,
    records,
    batch: BATCH,
    valueBytes: VALUE_BYTES,
    acks: 'leader',
  })
  return { directory, records, server }
}

/** Milliseconds from the start of the process to the answer with the last record stored. */
export async function timeStart(
  context: BenchContext,
  stored: Stored,
): Promise<{ ms: number; server: Server }> {
  const fromMs = performance.now()
  const server = await context.daemon({ directory: stored.directory })
  const ask = readRequest({ format: 'raw', offset: stored.records - 1, limit: 1 })
  await firstAnswer(server.port, ask, ANSWER_MS_MAX)
  return { ms: performance.now() - fromMs, server }
}

const describeTopic = (): Buffer => request('GET', `/topics/${TOPIC}`, {})

/** The floor: Node, fastify and nothing stored, to its first answer. What is above it is the daemon's own. */
export async function startingFloor(context: BenchContext): Promise<Side> {
  return async () => {
    const fromMs = performance.now()
    const server = await context.floor('http', context.directory('floor'))
    await firstAnswer(server.port, describeTopic(), ANSWER_MS_MAX)
    const ms = performance.now() - fromMs
    await server.stop()
    return { values: { start: ms } }
  }
}
