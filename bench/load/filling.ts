/** Stores a number of records by raw batches, as fast as the broker takes them; no figure is taken. */
import { encodeWireBatch, WIRE_BATCH_CONTENT_TYPE } from '../../src/record/index.ts'
import { LeanConnection } from './connection.ts'
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
}

const CONNECTIONS = 8

export async function runFilling(job: FillingJob): Promise<{ stored: number }> {
  await freshTopic(job.port, TOPIC, job.partitions)
  const batches = Math.ceil(job.records / job.batch)
  const body = encodeWireBatch({ bytes: recordsOf(job.batch, job.valueBytes), count: job.batch })
  const requestTo = (partition: number): Buffer =>
    request(
      'POST',
      `/topics/${TOPIC}/messages?partition=${partition}&acks=${job.acks}`,
      { 'content-type': WIRE_BATCH_CONTENT_TYPE },
      body,
    )
  let sent = 0
  await Promise.all(
    Array.from({ length: Math.min(CONNECTIONS, batches) }, async () => {
      let answer: (reply: { status: number; text: string }) => void = () => {}
      let fail: (error: Error) => void = () => {}
      const connection = await LeanConnection.open({
        port: job.port,
        onResponse: (status, bytes) =>
          answer({ status, text: status === 200 ? '' : bytes.toString() }),
        onFailure: (error) => fail(error),
      })
      while (sent < batches) {
        const number = sent
        sent += 1
        const replied = new Promise<{ status: number; text: string }>((resolve, reject) => {
          answer = resolve
          fail = reject
        })
        connection.send(requestTo(number % job.partitions))
        const { status, text } = await replied
        if (status !== 200) throw new Error(`filling: status ${status}: ${text}`)
      }
      connection.close()
    }),
  )
  const stored = await storedMessages(job.port)
  if (stored !== batches * job.batch) throw new Error(`${stored} of ${batches * job.batch} stored`)
  return { stored }
}
