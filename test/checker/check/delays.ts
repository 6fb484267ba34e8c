/** The promises of delayed messages: each comes once, not before its time, and not at all once a cancel was confirmed. */
import { type Change, named, type Operation, type Schedule } from '../history/operation.ts'
import { ensure } from './collections.ts'
import { type Finding, Findings, type Terms } from './finding.ts'
import { logView } from './logView.ts'

interface Story {
  readonly schedule: Schedule
  /** In their order; whoever makes them waits for the answer to the one before. */
  readonly changes: Change[]
}

export function checkDelays(history: readonly Operation[], topic: string, terms: Terms): Finding[] {
  const findings = new Findings()
  const stories = storiesOf(history, topic)
  const view = logView(history, topic)
  for (const [id, places] of view.stored) {
    const timestamps = places.map(({ found }) => found.timestamp)
    const story = stories.get(id)
    if (story === undefined) findings.add('invented', `${id} in ${topic}`)
    else checkDelivered(id, story, timestamps, findings)
  }
  const endWall = Math.min(...view.finals.map(({ startWall }) => startWall))
  for (const [id, story] of view.finals.length === 0 ? [] : stories) {
    if (view.stored.has(id) || !mustCome(story, endWall)) continue
    findings.add('lost', `${id}, due ${new Date(Math.max(...duesOf(story))).toISOString()}`)
  }
  if (!terms.clockSteps) checkSeenEarly(history, { topic, stories }, findings)
  return findings.list()
}

function storiesOf(history: readonly Operation[], topic: string): Map<string, Story> {
  const stories = new Map<string, Story>()
  for (const schedule of named(history, 'schedule')) {
    if (schedule.topic === topic) stories.set(schedule.id, { schedule, changes: [] })
  }
  for (const change of named(history, 'cancel', 'reschedule')) {
    stories.get(change.id)?.changes.push(change)
  }
  return stories
}

const mustCome = (story: Story, endWall: number): boolean =>
  story.schedule.outcome === 'ok' &&
  !story.changes.some(({ op, outcome }) => op === 'cancel' && outcome !== 'refused') &&
  Math.max(...duesOf(story)) < endWall

/** The times that it may come at: a change without an answer may count or not. */
function duesOf({ schedule, changes }: Story): number[] {
  let dues = [schedule.due]
  for (const { op, outcome, due = 0 } of changes) {
    if (op !== 'reschedule' || outcome === 'refused') continue
    dues = outcome === 'ok' ? [due] : [...dues, due]
  }
  return dues
}

const dueOf = (story: Story): number => Math.min(...duesOf(story))

function checkDelivered(
  id: string,
  story: Story,
  timestamps: readonly number[],
  findings: Findings,
): void {
  const { schedule, changes } = story
  if (timestamps.length > 1) findings.add('duplicate', `${id} came ${timestamps.length} times`)
  if (schedule.outcome === 'refused') {
    findings.add('refused but written', `${id}: ${schedule.code}`)
  }
  const cancel = changes.find(({ op, outcome }) => op === 'cancel' && outcome === 'ok')
  if (cancel !== undefined) findings.add('cancelled came', `${id}: cancelled by ${cancel.client}`)
  const early = dueOf(story) - Math.min(...timestamps)
  if (early > 0) findings.add('early', `${id}: ${early} ms before its time`)
}

interface Seen {
  readonly topic: string
  readonly stories: ReadonlyMap<string, Story>
}

/** Whatever its timestamp says: nobody has read it before its time. */
function checkSeenEarly(
  history: readonly Operation[],
  { topic, stories }: Seen,
  findings: Findings,
): void {
  const first = new Map<string, number>()
  for (const { found, endWall, outcome, topic: name } of named(history, 'read', 'final')) {
    if (outcome !== 'ok' || name !== topic) continue
    for (const { id } of found) {
      first.set(
        id,
        Math.min(
          endWall,
          ensure(first, id, () => endWall),
        ),
      )
    }
  }
  for (const [id, wall] of first) {
    const story = stories.get(id)
    if (story === undefined || wall >= dueOf(story)) continue
    findings.add('early', `${id} was read ${Math.round(dueOf(story) - wall)} ms before its time`)
  }
}
