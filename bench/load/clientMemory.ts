/**
 * What the clients hold while the other side is slow.
 *
 *   producer   the broker's process is stopped while a quarter more than the buffer holds is being sent
 *   consumer   the handler of the first batch does not return while far more than the prefetch budget lies ready
 *
 * Both are told by what the client counts itself, and by how far the process grew.
 */

import { Connection, GroupConsumer, Producer } from '../../src/client/index.ts'
import { MiB } from '../../src/kernel/units.ts'
import { pause } from '../support/pause.ts'
import { residentMb } from './memory.ts'
import { messagesOf, sendAll } from './producing.ts'
import { TOPIC } from './requests.ts'
import { freshTopic, storedMessages } from './topic.ts'

export interface ClientMemoryJob {
  readonly kind: 'client-memory'
  readonly of: 'producer' | 'consumer'
  readonly port: number
  readonly serverPid: number
  readonly valueBytes: number
  /** The producer's buffer, or the consumer's prefetch budget. */
  readonly budgetBytes: number
  /** How long the other side stands still. */
  readonly turnMs: number
}

export interface ClientMemoryResult {
  readonly heldMb: number
  readonly growthMb: number
}

const LOOK_MS = 20
const CALLS = 8
const BATCH = 1_000
const OVERFLOW = 1.25
let groups = 0

export const runClientMemory = (job: ClientMemoryJob): Promise<ClientMemoryResult> =>
  job.of === 'producer' ? producerMemory(job) : consumerMemory(job)

/** Samples until it is told to stop; the largest of each. */
function watch(heldBytes: () => number): () => ClientMemoryResult {
  const before = residentMb(process.pid)
  let held = 0
  let resident = before
  const timer = setInterval(() => {
    held = Math.max(held, heldBytes())
    resident = Math.max(resident, residentMb(process.pid))
  }, LOOK_MS)
  return () => {
    clearInterval(timer)
    return { heldMb: held / 1e6, growthMb: resident - before }
  }
}

async function producerMemory(job: ClientMemoryJob): Promise<ClientMemoryResult> {
  await freshTopic(job.port)
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  const producer = new Producer(connection, { acks: 'leader', bufferBytes: job.budgetBytes })
  const messages = messagesOf(BATCH, job.valueBytes, 0)
  const rounds = Math.ceil((job.budgetBytes * OVERFLOW) / (BATCH * job.valueBytes))
  const sendRounds = async (): Promise<void> => {
    let next = 0
    const caller = async (): Promise<void> => {
      for (; next < rounds; next += 1) await sendAll(producer, messages, 'sendBatch')
    }
    await Promise.all(Array.from({ length: CALLS }, caller))
  }
  try {
    await sendRounds()
    const stop = watch(() => producer.bufferedBytes)
    process.kill(job.serverPid, 'SIGSTOP')
    const sends = Array.from({ length: rounds }, () => sendAll(producer, messages, 'sendBatch'))
    await pause(job.turnMs)
    const result = stop()
    process.kill(job.serverPid, 'SIGCONT')
    await Promise.all(sends)
    const stored = await storedMessages(job.port)
    if (stored < rounds * BATCH) throw new Error(`${stored} stored`)
    return result
  } finally {
    process.kill(job.serverPid, 'SIGCONT')
    await producer.close()
    await connection.close()
  }
}

async function consumerMemory(job: ClientMemoryJob): Promise<ClientMemoryResult> {
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  groups += 1
  const read = async (group: string, atFirst: () => Promise<void>): Promise<void> => {
    const consumer = new GroupConsumer(connection, {
      ...{ group, topics: [TOPIC], prefetchBytes: job.budgetBytes },
    })
    let bytes = 0
    await consumer.eachBatch(async ({ messages }) => {
      if (bytes === 0) {
        const stop = watch(() => consumer.bufferedBytes)
        await atFirst()
        result = stop()
      }
      for (const { value } of messages) bytes += value?.length ?? 0
      if (bytes >= 4 * job.budgetBytes) void consumer.close()
    })
    await consumer.close()
  }
  let result: ClientMemoryResult = { heldMb: 0, growthMb: 0 }
  try {
    await read(`warm-${process.pid}-${groups}`, () => pause(0))
    await read(`memory-${process.pid}-${groups}`, () => pause(job.turnMs))
    return result
  } finally {
    await connection.close()
  }
}

/** Records that give the consumer's handler far more than its budget to wait for. */
export const recordsBeyond = (budgetBytes: number, valueBytes: number): number =>
  Math.ceil((6 * Math.max(budgetBytes, MiB)) / valueBytes)
