/** Stores a number of records by raw batches, as fast as the broker takes them; no figure is taken. */
import type { Priority } from '../../src/kernel/priority.ts'
import { encodeWireBatch, WIRE_BATCH_CONTENT_TYPE } from '../../src/record/index.ts'
import { Caller } from './caller.ts'
import { recordsOf, request, TOPIC } from './requests.ts'
import { freshTopic, storedMessages } from './topic.ts'

export interface FillingJob {
  readonly kind: 'filling'
  readonly port: number
  readonly partitions: number
  readonly records: number
  readonly batch: number
  readonly valueBytes: number
  /** `leader` where the data must only be there, `all` where it must be on disk. */
  readonly acks: 'leader' | 'all'
  /** Priorities of the records, in turn; all `normal` where there are none. */
  readonly priorities?: readonly Priority[]
  /** One critical record more, behind all others. */
  readonly urgentLast?: boolean
}

const CONNECTIONS = 8

export async function runFilling(job: FillingJob): Promise<{ stored: number }> {
  await freshTopic(job.port, TOPIC, job.partitions)
  const batches = Math.ceil(job.records / job.batch)
  const { batch, valueBytes, priorities } = job
  const fill = rawBatch(recordsOf(batch, valueBytes, { priorities }), batch)
  const callers = await Promise.all(
    Array.from({ length: Math.min(CONNECTIONS, batches) }, () => Caller.open(job.port)),
  )
  let sent = 0
  await Promise.all(
    callers.map(async (caller) => {
      while (sent < batches) {
        const number = sent
        sent += 1
        await caller.ask(publishTo(job, number % job.partitions, fill))
      }
    }),
  )
  let records = batches * batch
  if (job.urgentLast) {
    const urgent = rawBatch(recordsOf(1, valueBytes, { priorities: [0] }), 1)
    await callers[0]?.ask(publishTo(job, 0, urgent))
    records += 1
  }
  for (const caller of callers) caller.close()
  const stored = await storedMessages(job.port)
  if (stored !== records) throw new Error(`${stored} of ${records} stored`)
  return { stored }
}

const rawBatch = (bytes: Buffer, count: number): Buffer => encodeWireBatch({ bytes, count })

const publishTo = ({ acks }: FillingJob, partition: number, body: Buffer): Buffer =>
  request(
    'POST',
    `/topics/${TOPIC}/messages?partition=${partition}&acks=${acks}`,
    { 'content-type': WIRE_BATCH_CONTENT_TYPE },
    body,
  )
