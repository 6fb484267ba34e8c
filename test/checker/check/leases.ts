/**
 * The promises of a work queue. A lease is known by its record and its delivery count; the count grows with each
 * hand-out, so that of two leases of one record it is sure which came first:
 *
 *   grant A ── held for sure: until its deadline, or until somebody began to settle it ──┐
 *                       grant B: at the latest when its reply had come                   │   too early: two holders
 *
 * A lease that settled its record is the last one: had there been a later one, the ack would have been refused.
 */
import {
  type HandOut,
  named,
  type Operation,
  ofGroup,
  type Poll,
  type Publish,
  type Settle,
} from '../history/operation.ts'
import { ensure, groupBy } from './collections.ts'
import { type Finding, Findings, type Terms } from './finding.ts'
import type { GroupOfTopic } from './groups.ts'
import { checkLetters } from './letters.ts'
import { logView } from './logView.ts'

interface Lease {
  readonly poll: Poll
  readonly handOut: HandOut
  readonly settles: readonly Settle[]
}

/** Clocks of the broker and of this process may round to different milliseconds. */
const ROUNDING_MS = 3

export function checkLeases(
  history: readonly Operation[],
  { group, topic }: GroupOfTopic,
  terms: Terms,
): Finding[] {
  const findings = new Findings()
  const own = ofGroup(history, group)
  const leases = leasesOf(own, topic)
  const leaves = new Map<string, number>()
  for (const { member, start } of named(own, 'leave')) ensure(leaves, member, () => start)
  for (const all of leases.values()) {
    for (const [index, lease] of all.entries()) {
      const next = all[index + 1]
      if (next === undefined || terms.losable.has('state')) continue
      checkPair(lease, next, leaves.get(lease.poll.member), findings)
    }
  }
  const sent = new Map<string, Publish>()
  for (const publish of named(history, 'publish')) {
    for (const id of publish.ids) sent.set(id, publish)
  }
  for (const lease of [...leases.values()].flat()) checkLane(lease, sent, findings)
  const view = logView(history, topic)
  if (!terms.losable.has('leader')) checkSameRecord([...leases.values()].flat(), view, findings)
  checkLetters({ history, group, topic, terms }, findings)
  checkRest(history, { group, topic }, [...leases.values()].flat(), findings)
  return findings.list()
}

/** The leases of each record, in the order of their delivery counts. */
function leasesOf(own: readonly Operation[], topic: string): Map<string, Lease[]> {
  const settles = groupBy(named(own, 'settle'), ({ handOut }) => handOut.receipt)
  const leases = named(own, 'poll')
    .filter(({ outcome }) => outcome === 'ok')
    .flatMap((poll) => poll.handOuts.map((handOut) => ({ poll, handOut })))
    .filter(({ handOut }) => handOut.topic === topic)
    .map((each): Lease => ({ ...each, settles: settles.get(each.handOut.receipt) ?? [] }))
    .sort((a, b) => a.handOut.deliveryCount - b.handOut.deliveryCount)
  return groupBy(leases, ({ handOut }) => `${handOut.partition}/${handOut.offset}`)
}

const text = ({ poll, handOut }: Lease): string => `${handOut.receipt} of ${poll.client}`

function checkPair(
  lease: Lease,
  next: Lease,
  leftAt: number | undefined,
  findings: Findings,
): void {
  const pair = `${text(next)} after ${text(lease)}`
  if (lease.handOut.deliveryCount === next.handOut.deliveryCount) {
    findings.add('lease repeated', pair)
  }
  const final = lease.settles.find(
    ({ kind, outcome }) => outcome === 'ok' && (kind === 'ack' || kind === 'reject'),
  )
  if (final !== undefined) findings.add('settled and handed out', `${pair}, ${final.kind} ok`)
  const nack = lease.settles.find(({ kind, outcome }) => outcome === 'ok' && kind === 'nack')
  if (nack !== undefined && next.poll.end < nack.start + (nack.ms ?? 0) - ROUNDING_MS) {
    const early = Math.round(nack.start + (nack.ms ?? 0) - next.poll.end)
    findings.add('back too early', `${pair}: ${early} ms before its delay was over`)
  }
  const heldUntil = surelyHeldUntil(lease, leftAt)
  if (next.poll.end < heldUntil - ROUNDING_MS) {
    const before = Math.round(heldUntil - next.poll.end)
    findings.add('two holders', `${pair}: ${before} ms before it could have ended`)
  }
}

/** Before that time the lease cannot have ended. */
function surelyHeldUntil({ poll, settles }: Lease, leftAt = Number.POSITIVE_INFINITY): number {
  let deadline = poll.start + poll.visibilityMs
  let released = leftAt
  for (const { kind, start, outcome, ms = 0 } of settles) {
    if (kind !== 'extend') released = Math.min(released, start)
    else if (outcome === 'ok') deadline = Math.max(deadline, start + ms)
  }
  return Math.min(deadline, released)
}

function checkLane(
  { handOut, poll }: Lease,
  sent: ReadonlyMap<string, Publish>,
  findings: Findings,
): void {
  const publish = sent.get(handOut.id)
  if (publish === undefined) findings.add('invented', `${handOut.id} was handed to ${poll.client}`)
  else if (publish.priority !== handOut.priority) {
    const lanes = `published as ${publish.priority}, handed out as ${handOut.priority}`
    findings.add('wrong lane', `${handOut.id}: ${lanes}`)
  }
}

function checkSameRecord(
  leases: readonly Lease[],
  view: ReturnType<typeof logView>,
  findings: Findings,
): void {
  if (view.finals.length === 0) return
  for (const { handOut } of leases) {
    const there = view.at(handOut.partition, handOut.offset)
    if (there?.id === handOut.id) continue
    const message = `${handOut.receipt} was ${handOut.id}, the log has ${there?.id ?? 'nothing'}`
    findings.add('content changed', message)
  }
}

/** When nothing more comes everything was handed out to somebody. */
function checkRest(
  history: readonly Operation[],
  { group, topic }: GroupOfTopic,
  leases: readonly Lease[],
  findings: Findings,
): void {
  const handed = new Set(leases.map(({ handOut }) => handOut.id))
  const rests = named(history, 'rest').filter((each) => each.group === group)
  for (const { lag, topic: name } of rests) {
    if (lag > 0 && name === topic) findings.add('left over', `${group}: ${lag} of ${topic}`)
  }
  const finals = named(history, 'final').filter((each) => each.topic === topic)
  for (const { partition, found } of finals) {
    for (const { id, offset } of found) {
      if (handed.has(id) || rests.length === 0) continue
      findings.add('passed over', `${id} at ${topic}/${partition}/${offset}: ${group} never got it`)
    }
  }
}
