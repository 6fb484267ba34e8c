/**
 * The promises of a group that reads by offset: committed offsets never go back, an assignment that is over commits
 * nothing, a partition has one owner at a time, and nothing below a committed offset was never handed out.
 */
import {
  type Commit,
  type Join,
  named,
  type Operation,
  ofGroup,
  type Poll,
} from '../history/operation.ts'
import { ensure } from './collections.ts'
import { type Finding, Findings, type Terms } from './finding.ts'
import { type Sight, stepsBack } from './register.ts'

export interface GroupOfTopic {
  readonly group: string
  readonly topic: string
}

export function checkGroup(
  history: readonly Operation[],
  { group, topic }: GroupOfTopic,
  terms: Terms,
): Finding[] {
  const findings = new Findings()
  const own = ofGroup(history, group)
  const polls = named(own, 'poll').filter(({ outcome }) => outcome === 'ok')
  const joins = named(own, 'join').filter(({ outcome }) => outcome === 'ok')
  if (!terms.losable.has('state')) {
    checkFloors(own, findings, { group, topic })
    checkGenerations(named(own, 'commit'), joins, findings)
    // Where a group may be lost, its generations may begin anew.
    checkOwners(joins, findings)
  }
  checkSequences(polls, joins, findings)
  checkCoverage(own, polls, findings, { group, topic })
  return findings.list()
}

interface FloorSight extends Sight {
  readonly client: string
}

function checkFloors(
  own: readonly Operation[],
  findings: Findings,
  { group, topic }: GroupOfTopic,
): void {
  const byPartition = new Map<string, FloorSight[]>()
  for (const each of named(own, 'commit', 'floors')) {
    if (each.outcome !== 'ok' || each.topic !== topic) continue
    const isTold = each.op === 'commit'
    for (const [partition, value] of Object.entries(each.offsets)) {
      const { client, start, end } = each
      ensure(byPartition, partition, () => []).push({ client, start, end, value, isTold })
    }
  }
  for (const [partition, sights] of byPartition) {
    for (const { sight, known } of stepsBack(sights)) {
      const place = `${group} in ${topic}/${partition}`
      findings.add('floor went back', `${place}: ${sight.value}, and ${known} was known before`)
    }
  }
}

/** Once somebody was told of a generation, a commit of an older one that begins after that is refused. */
function checkGenerations(
  commits: readonly Commit[],
  joins: readonly Join[],
  findings: Findings,
): void {
  const byEnd = [...joins].sort((a, b) => a.end - b.end)
  let at = 0
  let known = 0
  for (const commit of [...commits].sort((a, b) => a.start - b.start)) {
    for (let join = byEnd[at]; join !== undefined && join.end < commit.start; join = byEnd[at]) {
      known = Math.max(known, join.generation)
      at += 1
    }
    if (commit.outcome !== 'ok' || commit.generation >= known) continue
    const message = `${commit.client} of generation ${commit.generation}, and ${known} had begun`
    findings.add('stale commit taken', message)
  }
}

function checkOwners(joins: readonly Join[], findings: Findings): void {
  const owners = new Map<string, string>()
  for (const { generation, assigned, member } of joins) {
    for (const partition of assigned) {
      const owner = ensure(owners, `${generation}:${partition}`, () => member)
      if (owner === member) continue
      const message = `${partition} in generation ${generation}: ${owner} and ${member}`
      findings.add('two owners', message)
    }
  }
}

/** From one join to the next what a member is handed of a partition leaves nothing out. */
function checkSequences(polls: readonly Poll[], joins: readonly Join[], findings: Findings): void {
  const members = new Set(joins.map(({ member }) => member))
  for (const member of members) {
    const steps = [
      ...polls.filter((each) => each.member === member),
      ...joins.filter((each) => each.member === member),
    ].sort((a, b) => a.start - b.start)
    const next = new Map<string, number>()
    for (const step of steps) {
      if (step.op === 'join') next.clear()
      else followPoll(step, next, findings)
    }
  }
}

function followPoll(poll: Poll, next: Map<string, number>, findings: Findings): void {
  for (const { topic, partition, offset } of poll.handOuts) {
    const place = `${topic}/${partition}`
    const expected = next.get(place)
    if (expected !== undefined && offset > expected) {
      findings.add('read skips', `${poll.member}: ${place}/${offset}, where ${expected} was next`)
    }
    next.set(place, offset + 1)
  }
}

/** Members commit what they were handed and no more: below the last floor everything was handed out. */
function checkCoverage(
  own: readonly Operation[],
  polls: readonly Poll[],
  findings: Findings,
  { group, topic }: GroupOfTopic,
): void {
  const handed = new Set(
    polls
      .flatMap(({ handOuts }) => handOuts)
      .filter((each) => each.topic === topic)
      .map(({ partition, offset }) => `${partition}/${offset}`),
  )
  const last = named(own, 'floors')
    .filter((each) => each.outcome === 'ok' && each.topic === topic)
    .at(-1)
  for (const [partition, floor] of Object.entries(last?.offsets ?? {})) {
    const missing = Array.from({ length: floor }, (_, offset) => `${partition}/${offset}`).filter(
      (place) => !handed.has(place),
    )
    for (const place of missing) findings.add('passed over', `${group}: ${topic}/${place}`)
  }
  for (const { lag, topic: name } of named(own, 'rest')) {
    if (lag > 0 && name === topic) findings.add('left over', `${group}: ${lag} of ${topic}`)
  }
}
