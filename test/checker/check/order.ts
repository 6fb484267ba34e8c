/** Order within a partition: what was acknowledged before something else began stands before it. */
import type { Publish } from '../history/operation.ts'
import type { Findings } from './finding.ts'
import type { LogView } from './logView.ts'

export function checkOrder(view: LogView, findings: Findings): void {
  for (const { partition, found } of view.finals) {
    const place = `${view.topic}/${partition}`
    checkRealTime(view, findings, { place, ids: found.map(({ id }) => id) })
    checkStreams(view, findings, { place, ids: found.map(({ id }) => id) })
  }
}

interface Line {
  readonly place: string
  /** In the order of the log. */
  readonly ids: readonly string[]
}

/** From the end to the start: nobody behind a record may have been acknowledged before it was begun. */
function checkRealTime(view: LogView, findings: Findings, { place, ids }: Line): void {
  let soonest: { readonly id: string; readonly end: number } | undefined
  for (const id of [...ids].reverse()) {
    const publish = view.sent.get(id)?.publish
    if (publish === undefined) continue
    if (soonest !== undefined && soonest.end < publish.start) {
      findings.add('reordered', `${place}: ${id} before ${soonest.id}, which ended before it began`)
    }
    if (isSure(publish) && publish.end < (soonest?.end ?? Number.POSITIVE_INFINITY)) {
      soonest = { id, end: publish.end }
    }
  }
}

/** An answer to `acks: none` says nothing about when it is written. */
const isSure = ({ outcome, acks }: Publish): boolean => outcome === 'ok' && acks !== 'none'

/** Calls of one producer stand in the order in which they were made, whatever became of them. */
function checkStreams(view: LogView, findings: Findings, { place, ids }: Line): void {
  const last = new Map<string, { readonly id: string; readonly start: number }>()
  for (const id of ids) {
    const publish = view.sent.get(id)?.publish
    if (publish?.stream === undefined) continue
    const before = last.get(publish.stream)
    if (before !== undefined && before.start > publish.start) {
      findings.add('reordered', `${place}: ${before.id} before ${id}, sent earlier`)
    }
    last.set(publish.stream, { id, start: publish.start })
  }
}
