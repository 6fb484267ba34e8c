/**
 * Polls and acks in JSON, closed loop: so many members of one group, each over a connection of its own, poll up to 100
 * messages and acknowledge them, all in one request or each in its own. A message counts once its ack was confirmed.
 */
import { Caller, joinGroup, jsonRequest } from './caller.ts'
import { meterBusyAfter } from './processor.ts'
import { TOPIC } from './requests.ts'

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

interface PollReply {
  readonly messages: readonly { readonly receipt_handle: string }[]
}

const POLL_MAX = 100
let groups = 0

export async function runJsonWork(job: JsonWorkJob): Promise<JsonWorkResult> {
  groups += 1
  const group = `json-work-${process.pid}-${groups}`
  const members = await Promise.all(
    Array.from({ length: job.members }, () => Caller.open(job.port)),
  )
  const fromMs = performance.now() + job.warmupMs
  const untilMs = fromMs + job.turnMs
  let counted = 0
  const count = (messages: number): boolean => {
    const nowMs = performance.now()
    if (nowMs >= fromMs && nowMs <= untilMs) counted += messages
    return nowMs < untilMs
  }
  const ids = await Promise.all(
    members.map((member) => joinGroup(member, group, { topics: [TOPIC] })),
  )
  const meter = meterBusyAfter(job.warmupMs, job.serverPid)
  await Promise.all(
    members.map((member, i) => work(member, { group, id: ids[i] ?? '', job, count })),
  )
  const busy = meter.read()
  for (const member of members) member.close()
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

async function work(member: Caller, { group, id, job, count }: Work): Promise<void> {
  const path = `/groups/${group}/poll?member_id=${id}&max_messages=${POLL_MAX}&timeout=1s`
  const poll = jsonRequest('GET', path)
  for (let goesOn = true; goesOn; ) {
    const { messages } = JSON.parse((await member.ask(poll)).toString()) as PollReply
    const handles = messages.map((message) => message.receipt_handle)
    goesOn = count(0)
    if (handles.length === 0) continue
    if (job.acked === 'together') {
      const reply = (await member.ask(ack({ receipt_handles: handles }))).toString()
      if (reply.includes('"acknowledged":false')) throw new Error(reply)
      goesOn = count(handles.length)
      continue
    }
    for (const handle of handles) {
      await member.ask(ack({ receipt_handle: handle }))
      goesOn = count(1)
      if (!goesOn) return
    }
  }
}

const ack = (body: object): Buffer => jsonRequest('POST', '/messages/ack', body)
