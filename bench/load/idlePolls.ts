/**
 * Long polls that wait for what does not come: what they cost the server while nothing happens, and how soon the
 * one that an append is for hears of it. A poll that is answered though nothing was appended for it is an error.
 */
import { pause } from '../support/pause.ts'
import { percentile } from '../support/statistics.ts'
import { Caller, jsonRequest } from './caller.ts'
import { LeanConnection } from './connection.ts'
import { meterBusy } from './processor.ts'
import { readRequest, TOPIC } from './requests.ts'
import { freshTopic } from './topic.ts'

export interface IdlePollsJob {
  readonly kind: 'idle-polls'
  readonly port: number
  readonly serverPid: number
  readonly polls: number
  readonly warmupMs: number
  readonly turnMs: number
}

export interface WakeUpJob {
  readonly kind: 'wake-up'
  readonly port: number
  /** Polls on another partition that must not wake. */
  readonly polls: number
  readonly wakeUps: number
}

const POLL_MS = 60_000
const IDLE_PARTITION = 1
const ACTIVE_PARTITION = 0

/** Opens that many connections, each with a poll that waits at the end of the partition. */
async function openPolls(port: number, polls: number, partition: number) {
  const answered: string[] = []
  const connections: LeanConnection[] = []
  for (let i = 0; i < polls; i += 1) {
    const connection = await LeanConnection.open({
      port,
      receiveBytes: 4_096,
      onResponse: (status, body) => answered.push(`status ${status}: ${body.toString()}`),
      onFailure: (error) => answered.push(error.message),
    })
    connection.send(
      readRequest({ format: 'json', offset: 0, limit: 100, timeoutMs: POLL_MS, partition }),
    )
    connections.push(connection)
  }
  return {
    expectAllWaiting(): void {
      if (answered.length > 0) throw new Error(`an idle poll was answered: ${answered[0]}`)
    },
    close(): void {
      for (const connection of connections) connection.close()
    },
  }
}

/** Processor time of the server in percent of one core while the polls wait. */
export async function runIdlePolls(job: IdlePollsJob): Promise<{ percentOfCore: number }> {
  await freshTopic(job.port, TOPIC, 2)
  const polls = await openPolls(job.port, job.polls, IDLE_PARTITION)
  try {
    await pause(job.warmupMs)
    const meter = meterBusy(job.serverPid)
    await pause(job.turnMs)
    const { server } = meter.read()
    polls.expectAllWaiting()
    return { percentOfCore: server * 100 }
  } finally {
    polls.close()
  }
}

const publishOne = (): Buffer =>
  jsonRequest('POST', `/topics/${TOPIC}/messages`, {
    messages: [{ value: 'wake up', partition: ACTIVE_PARTITION }],
    acks: 'leader',
  })

/** Milliseconds from sending a publish to the answer of the one poll that waits for it. */
export async function runWakeUp(job: WakeUpJob): Promise<{ p50Ms: number; p99Ms: number }> {
  await freshTopic(job.port, TOPIC, 2)
  const idle = await openPolls(job.port, job.polls, IDLE_PARTITION)
  const reader = await Caller.open(job.port)
  const publisher = await Caller.open(job.port)
  try {
    const latenciesMs = new Float64Array(job.wakeUps)
    for (let offset = 0; offset < job.wakeUps; offset += 1) {
      const woken = reader.ask(
        readRequest({ format: 'json', offset, limit: 100, timeoutMs: POLL_MS }),
      )
      // The poll is the server's to see first: both come over different connections.
      await pause(2)
      const sentMs = performance.now()
      const published = publisher.ask(publishOne())
      const body = await woken
      latenciesMs[offset] = performance.now() - sentMs
      await published
      if (!body.includes(`"next_offset":${offset + 1}`)) {
        throw new Error(`not the message of the append: ${body.toString()}`)
      }
    }
    idle.expectAllWaiting()
    const sorted = latenciesMs.sort()
    return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) }
  } finally {
    idle.close()
    reader.close()
    publisher.close()
  }
}
