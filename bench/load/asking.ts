/** How long single questions take: the figures of a large broker, and the poll that finds the one urgent message. */

import { encodeWireBatch, WIRE_BATCH_CONTENT_TYPE } from '../../src/record/index.ts'
import { percentile } from '../support/statistics.ts'
import { Caller, joinGroup } from './caller.ts'
import { recordsOf, request, TOPIC } from './requests.ts'

/** Makes topics and groups, and has every group handed something of every partition of its topic. */
export interface PopulateJob {
  readonly kind: 'populate'
  readonly port: number
  readonly topics: number
  readonly partitionsEach: number
  readonly groups: number
}

export interface AskJob {
  readonly kind: 'ask'
  readonly port: number
  readonly path: string
  readonly calls: number
}

/** A group that never was polls for one message; it must be the urgent one. */
export interface UrgentJob {
  readonly kind: 'urgent'
  readonly port: number
}

const PER_PARTITION = 10
/** Calls that compilers settle in. */
const WARMUP_CALLS = 50
let groups = 0

export async function runPopulate(job: PopulateJob): Promise<{ windows: number }> {
  const caller = await Caller.open(job.port)
  const body = encodeWireBatch({ bytes: recordsOf(PER_PARTITION, 100), count: PER_PARTITION })
  for (let t = 0; t < job.topics; t += 1) {
    await caller.json('POST', '/topics', { name: `t${t}`, num_partitions: job.partitionsEach })
    for (let p = 0; p < job.partitionsEach; p += 1) {
      const path = `/topics/t${t}/messages?partition=${p}&acks=leader`
      await caller.ask(request('POST', path, { 'content-type': WIRE_BATCH_CONTENT_TYPE }, body))
    }
  }
  for (let g = 0; g < job.groups; g += 1) {
    const id = await joinGroup(caller, `g${g}`, { topics: [`t${g % job.topics}`] })
    const max = job.partitionsEach * (PER_PARTITION / 2)
    await caller.json('GET', `/groups/g${g}/poll?member_id=${id}&max_messages=${max}&timeout=0`)
  }
  caller.close()
  return { windows: job.groups * job.partitionsEach }
}

export async function runAsk(job: AskJob): Promise<{ p50Ms: number; p99Ms: number }> {
  const caller = await Caller.open(job.port)
  const tookMs = new Float64Array(job.calls)
  const bytes = request('GET', job.path, {})
  for (let i = -WARMUP_CALLS; i < job.calls; i += 1) {
    const askedMs = performance.now()
    await caller.ask(bytes)
    if (i >= 0) tookMs[i] = performance.now() - askedMs
  }
  caller.close()
  const sorted = tookMs.sort()
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) }
}

export async function runUrgent(job: UrgentJob): Promise<{ ms: number }> {
  const caller = await Caller.open(job.port)
  groups += 1
  const group = `urgent-${process.pid}-${groups}`
  const id = await joinGroup(caller, group, { topics: [TOPIC] })
  const poll = request('GET', `/groups/${group}/poll?member_id=${id}&max_messages=1&timeout=0`, {})
  const askedMs = performance.now()
  const body = await caller.ask(poll)
  const ms = performance.now() - askedMs
  caller.close()
  if (!body.includes('"critical"')) throw new Error(`not the urgent one: ${body.toString()}`)
  return { ms }
}
