/**
 * Reads a log from its start to its end over one connection, as a consumer does: ask, decode, ask on.
 *
 *   raw   every record's form and checksum is looked at and the record decoded; offsets must be gapless
 *   json  the reply's last fields are read; the whole reply is parsed and counted on the first and each 32nd
 *
 * A floor answers every request with the same bytes; `sameBytes` says so, and offsets are then only looked at
 * within a reply.
 */
import {
  checksumMatches,
  decodeRecord,
  recordLength,
  recordProblem,
} from '../../src/record/index.ts'
import { LeanConnection } from './connection.ts'
import { meterBusy } from './processor.ts'
import { readRequest } from './requests.ts'

export interface ReadingJob {
  readonly kind: 'reading'
  readonly port: number
  readonly serverPid: number
  readonly format: 'json' | 'raw'
  readonly limit: number
  readonly maxBytes: number
  /** Records to go through, all of them there. */
  readonly records: number
  /** Records of them that are warm-up. */
  readonly warmupRecords: number
  readonly sameBytes: boolean
}

export interface ReadingResult {
  readonly recordsPerSecond: number
  readonly recordsPerReply: number
  readonly clientBusy: number
  readonly serverBusy: number
}

const PARSE_EVERY = 32
const NEXT_OFFSET = /"next_offset": ?(\d+)/
const TAIL_BYTES = 120

/** Decodes and checks every record; the number of them. `from` is the offset the first must have. */
export function decodeAll(bytes: Buffer, from: number | undefined): number {
  let expected = from
  let count = 0
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    const problem = recordProblem(bytes, at, bytes.length)
    if (problem !== undefined) throw new Error(`record ${count} of a reply: ${problem}`)
    if (!checksumMatches(bytes, at)) throw new Error(`record ${count} of a reply: wrong checksum`)
    const record = decodeRecord(bytes, at)
    if (expected !== undefined && record.offset !== expected) {
      throw new Error(`offset ${record.offset} where ${expected} was expected`)
    }
    expected = record.offset + 1
    count += 1
  }
  return count
}

interface Page {
  readonly messages: readonly { readonly offset: number; readonly value: string }[]
}

function checkPage(body: Buffer, count: number): void {
  const page = JSON.parse(body.toString()) as Page
  if (page.messages.length !== count) {
    throw new Error(`${page.messages.length} messages of ${count} in a reply`)
  }
  const first = page.messages[0]?.offset ?? 0
  page.messages.forEach((message, i) => {
    if (message.offset !== first + i) throw new Error(`offset ${message.offset} out of order`)
    if (typeof message.value !== 'string') throw new Error('a message without a value')
  })
}

/** The number of messages of a JSON page, from its next_offset alone. */
function countOf(body: Buffer, from: number): number {
  const found = NEXT_OFFSET.exec(body.toString('latin1', Math.max(0, body.length - TAIL_BYTES)))
  if (found === null) throw new Error('no next_offset at the end of a reply')
  return Number(found[1]) - from
}

export async function runReading(job: ReadingJob): Promise<ReadingResult> {
  let offset = 0
  let replies = 0
  let meter = meterBusy(job.serverPid)
  let startMs = 0
  let startOffset = 0
  let finish: () => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const done = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  done.catch(() => undefined)
  const take = (body: Buffer): number => {
    if (job.format === 'raw') return decodeAll(body, job.sameBytes ? undefined : offset)
    const count = countOf(body, job.sameBytes ? 0 : offset)
    if (replies % PARSE_EVERY === 0) checkPage(body, count)
    return count
  }
  const ask = (): void => {
    if (startMs === 0 && offset >= job.warmupRecords) {
      startMs = performance.now()
      startOffset = offset
      meter = meterBusy(job.serverPid)
    }
    connection.send(readRequest({ ...job, offset, maxBytes: job.maxBytes }))
  }
  const connection = await LeanConnection.open({
    port: job.port,
    receiveBytes: 1 << 20,
    onFailure: fail,
    onResponse: (status, body) => {
      try {
        if (status !== 200) throw new Error(`status ${status}: ${body.toString()}`)
        const count = take(body)
        if (count === 0) throw new Error(`nothing at offset ${offset} of ${job.records}`)
        offset += count
        replies += 1
        if (offset >= job.records) finish()
        else ask()
      } catch (error) {
        fail(error)
      }
    },
  })
  ask()
  await done
  const seconds = (performance.now() - startMs) / 1_000
  connection.close()
  const busy = meter.read()
  return {
    recordsPerSecond: (offset - startOffset) / seconds,
    recordsPerReply: Math.round(offset / replies),
    clientBusy: busy.client,
    serverBusy: busy.server,
  }
}
