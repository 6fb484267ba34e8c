/** Dead letters: each rejected message is one, once; what somebody acknowledged is none; what nobody settled is one. */
import { type FinalLog, named, type Operation, type Settle } from '../history/operation.ts'
import type { Findings, Terms } from './finding.ts'

interface Letters {
  readonly history: readonly Operation[]
  readonly group: string
  readonly topic: string
  readonly terms: Terms
}

export function checkLetters(letters: Letters, findings: Findings): void {
  const { history, group, topic, terms } = letters
  const finals = named(history, 'final').filter((each) => each.topic === topic)
  if (finals.length === 0) return
  const times = timesOf(letters)
  for (const [id, count] of times) {
    if (count > 1) findings.add('dead letter twice', `${id}: ${count} times for ${group}`)
  }
  const settles = named(history, 'settle').filter(
    (each) => each.group === group && each.handOut.topic === topic && each.outcome !== 'refused',
  )
  for (const settle of settles) checkSettled(settle, { times, terms }, findings)
  const isOver = named(history, 'rest').some(
    (each) => each.group === group && each.topic === topic && each.lag === 0,
  )
  if (isOver) checkEnded(letters, { finals, settles, times }, findings)
}

/** How often each message is a dead letter of the group. */
function timesOf({ history, group, topic }: Letters): Map<string, number> {
  const times = new Map<string, number>()
  const finals = named(history, 'final').filter((each) => each.topic === `${topic}.dlq`)
  for (const { id } of finals
    .flatMap(({ found }) => found)
    .filter((each) => each.group === group)) {
    times.set(id, (times.get(id) ?? 0) + 1)
  }
  return times
}

interface Known {
  readonly times: ReadonlyMap<string, number>
  readonly terms: Terms
}

function checkSettled(
  { kind, outcome, handOut, client }: Settle,
  { times, terms }: Known,
  findings: Findings,
): void {
  const { id, receipt } = handOut
  if (outcome !== 'ok') return
  // What a power loss takes of the last second it may take of a reject: the message is handed out again then.
  if (terms.losable.has('state')) return
  if (kind === 'reject' && !times.has(id)) {
    findings.add('dead letter missing', `${id}: rejected by ${client} with ${receipt}`)
  }
  if (kind === 'ack' && times.has(id)) {
    findings.add('settled twice', `${id}: acknowledged by ${client}, and a dead letter`)
  }
}

interface Ended {
  readonly finals: readonly FinalLog[]
  readonly settles: readonly Settle[]
  readonly times: ReadonlyMap<string, number>
}

/** Where nothing is left for the group, each message was acknowledged, or rejected, or is a dead letter. */
function checkEnded(
  { history, group, topic }: Letters,
  { finals, settles, times }: Ended,
  findings: Findings,
): void {
  const ended = new Set(
    settles
      .filter(({ kind }) => kind === 'ack' || kind === 'reject')
      .map(({ handOut }) => handOut.id),
  )
  const handed = new Set(
    named(history, 'poll')
      .filter((each) => each.group === group)
      .flatMap(({ handOuts }) => handOuts.map(({ id }) => id)),
  )
  for (const { id } of finals.flatMap(({ found }) => found)) {
    if (ended.has(id) || times.has(id) || !handed.has(id)) continue
    findings.add('passed over', `${id} of ${topic}: counts as settled, and nobody settled it`)
  }
}
