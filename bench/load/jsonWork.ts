/**
 * Polls and acks in JSON, closed loop: so many members of one group, each over a connection of its own, poll up to 100
 * messages and acknowledge them, all in one request or each in its own. A message counts once its ack was confirmed.
 */
import { LeanConnection } from './connection.ts'
import { meterBusy } from './processor.ts'
import { request, TOPIC } from './requests.ts'

export interface JsonWorkJob {
  readonly kind: 'json-work'
  readonly port: number
  readonly serverPid: number
  readonly members: number
  /** Receipts of one ack. */
  readonly acked: 'together' | 'one by one'
  readonly warmupMs: number
  readonly turnMs: number
}

export interface JsonWorkResult {
  readonly recordsPerSecond: number
  readonly clientBusy: number
  readonly serverBusy: number
}

interface Member {
  readonly connection: LeanConnection
  readonly ask: (bytes: Buffer) => Promise<Buffer>
}

interface PollReply {
  readonly messages: readonly { readonly receipt_handle: string }[]
}

const POLL_MAX = 100
const JSON_BODY = { 'content-type': 'application/json' }
let groups = 0

export async function runJsonWork(job: JsonWorkJob): Promise<JsonWorkResult> {
  groups += 1
  const group = `json-work-${process.pid}-${groups}`
  const members = await Promise.all(Array.from({ length: job.members }, () => open(job.port)))
  const fromMs = performance.now() + job.warmupMs
  const untilMs = fromMs + job.turnMs
  let counted = 0
  const count = (messages: number): boolean => {
    const nowMs = performance.now()
    if (nowMs >= fromMs && nowMs <= untilMs) counted += messages
    return nowMs < untilMs
  }
  const ids = await Promise.all(members.map((member) => join(member, group)))
  let meter = meterBusy(job.serverPid)
  const warm = setTimeout(() => {
    meter = meterBusy(job.serverPid)
  }, job.warmupMs)
  await Promise.all(
    members.map((member, i) => work(member, { group, id: ids[i] ?? '', job, count })),
  )
  clearTimeout(warm)
  const busy = meter.read()
  for (const { connection } of members) connection.close()
  return {
    recordsPerSecond: counted / (job.turnMs / 1_000),
    clientBusy: busy.client,
    serverBusy: busy.server,
  }
}

interface Work {
  readonly group: string
  readonly id: string
  readonly job: JsonWorkJob
  /** Notes confirmed acks; false when the turn is over. */
  readonly count: (messages: number) => boolean
}

async function work({ ask }: Member, { group, id, job, count }: Work): Promise<void> {
  const path = `/groups/${group}/poll?member_id=${id}&max_messages=${POLL_MAX}&timeout=1s`
  const poll = request('GET', path, {})
  for (let goesOn = true; goesOn; ) {
    const { messages } = JSON.parse((await ask(poll)).toString()) as PollReply
    const handles = messages.map((message) => message.receipt_handle)
    goesOn = count(0)
    if (handles.length === 0) continue
    if (job.acked === 'together') {
      const reply = (await ask(ack({ receipt_handles: handles }))).toString()
      if (reply.includes('"acknowledged":false')) throw new Error(reply)
      goesOn = count(handles.length)
      continue
    }
    for (const handle of handles) {
      await ask(ack({ receipt_handle: handle }))
      goesOn = count(1)
      if (!goesOn) return
    }
  }
}

const ack = (body: object): Buffer =>
  request('POST', '/messages/ack', JSON_BODY, Buffer.from(JSON.stringify(body)))

async function join({ ask }: Member, group: string): Promise<string> {
  const body = { client_id: 'bench', topics: [TOPIC], assignment: 'shared' }
  const bytes = request(
    'POST',
    `/groups/${group}/join`,
    JSON_BODY,
    Buffer.from(JSON.stringify(body)),
  )
  const reply = JSON.parse((await ask(bytes)).toString()) as { readonly member_id: string }
  return reply.member_id
}

async function open(port: number): Promise<Member> {
  let answer: (status: number, body: Buffer) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const connection = await LeanConnection.open({
    port,
    onResponse: (status, body) => answer(status, body),
    onFailure: (error) => fail(error),
  })
  const ask = (bytes: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      fail = reject
      answer = (status, body) => {
        if (status === 200) resolve(body)
        else reject(new Error(`status ${status}: ${body.toString()}`))
      }
      connection.send(bytes)
    })
  return { connection, ask }
}
