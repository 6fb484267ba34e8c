/**
 * The promises of a log, held against what publishers were told, what readers saw, and what is there at the end:
 * acknowledged is there, once, in order, where it was said to be; refused is not there; a batch is whole or absent.
 */
import type { FinalLog, Operation, Place, Publish } from '../history/operation.ts'
import { type Finding, Findings, type Terms } from './finding.ts'
import { type LogView, logView } from './logView.ts'
import { checkOrder } from './order.ts'
import { checkReads } from './reads.ts'

export function checkLog(history: readonly Operation[], topic: string, terms: Terms): Finding[] {
  const view = logView(history, topic)
  const findings = new Findings()
  checkForm(view, findings)
  checkPublishes(view, terms, findings)
  checkOrder(view, findings)
  checkReads(view, terms, findings)
  return findings.list()
}

function checkForm(view: LogView, findings: Findings): void {
  for (const final of view.finals) checkSequence(view, final, findings)
  for (const [id, places] of view.stored) {
    if (places.length < 2 || !view.sent.has(id)) continue
    const where = places.map(({ partition, found }) => `${partition}/${found.offset}`).join(', ')
    findings.add('duplicate', `${id} of ${view.topic} stands at ${where}`)
  }
}

/** Offsets without a gap, times that do not go back, nothing that nobody sent. */
function checkSequence(view: LogView, { partition, found }: FinalLog, findings: Findings): void {
  let lastTimestamp = 0
  for (const [index, { offset, id, timestamp }] of found.entries()) {
    const at = `${id} at ${view.topic}/${partition}/${offset}`
    if (offset !== (found[0]?.offset ?? 0) + index) findings.add('gap', at)
    if (timestamp < lastTimestamp) findings.add('time went back', at)
    lastTimestamp = timestamp
    if (!view.sent.has(id)) findings.add('invented', at)
  }
}

function checkPublishes(view: LogView, terms: Terms, findings: Findings): void {
  for (const publish of view.publishes) {
    const there = publish.ids.filter((id) => view.stored.has(id)).length
    const what = `${publish.client}: ${publish.ids[0]} (acks ${publish.acks})`
    if (publish.outcome === 'refused' && there > 0) {
      findings.add('refused but written', `${what}, ${publish.code}`)
    }
    if (publish.outcome === 'ok') checkAcknowledged(view, terms, findings, publish)
    if (publish.isOneBatch && there > 0) checkWhole(view, findings, publish)
  }
}

function checkAcknowledged(
  view: LogView,
  terms: Terms,
  findings: Findings,
  publish: Publish,
): void {
  if (terms.losable.has(publish.acks)) return
  for (const [index, id] of publish.ids.entries()) {
    const place = publish.places?.[index]
    const stored = view.stored.get(id) ?? []
    const isThere = stored.some(({ partition, found }) => isAt(place, partition, found.offset))
    if (isThere) continue
    const where = stored.map(({ partition, found }) => `${partition}/${found.offset}`).join(', ')
    const said = place === undefined ? 'somewhere' : `${place.partition}/${place.offset}`
    const message = `${id} of ${view.topic}, acks ${publish.acks}, said to be at ${said}`
    findings.add('lost', `${message}: ${where === '' ? 'nowhere' : `stands at ${where}`}`)
  }
}

const isAt = (place: Place | undefined, partition: number, offset: number): boolean =>
  place === undefined ||
  (place.partition === partition && (place.offset === offset || place.offset < 0))

/** One batch stands in one partition, all of it, in its order, with nothing between. */
function checkWhole(view: LogView, findings: Findings, publish: Publish): void {
  const first = view.stored.get(publish.ids[0] ?? '')?.[0]
  const isWhole = publish.ids.every((id, index) => {
    if (first === undefined) return false
    return view.at(first.partition, first.found.offset + index)?.id === id
  })
  if (isWhole) return
  const there = publish.ids.filter((id) => view.stored.has(id)).length
  const what = `${publish.client}: batch of ${publish.ids[0]}, ${publish.outcome}`
  findings.add('torn batch', `${what}: ${there} of ${publish.ids.length} are there together`)
}
