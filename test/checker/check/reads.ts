/**
 * Reads by offset: they begin where they were asked to, leave nothing out, find what was acknowledged before, and what
 * stands at an offset stays.
 *
 * Where a fault may take what was not on the disk yet, what was seen of it may differ from the end; not so what stands
 * below something that was acknowledged as on the disk before that fault.
 */
import { type Found, type Publish, type Read, UNREADABLE } from '../history/operation.ts'
import { ensure, groupBy } from './collections.ts'
import type { Findings, Terms } from './finding.ts'
import type { LogView } from './logView.ts'
import { stepsBack } from './register.ts'

export function checkReads(view: LogView, terms: Terms, findings: Findings): void {
  const acknowledged = new Acknowledged(view.publishes, terms)
  for (const read of view.reads) {
    if (UNREADABLE.has(read.code)) findings.add('unreadable', `${placeOf(read)}: ${read.code}`)
    if (read.outcome !== 'ok') continue
    checkSequence(read, findings)
    checkFresh(read, acknowledged, findings)
    for (const found of read.found)
      checkContent(view, { read, found, acknowledged, terms }, findings)
  }
  checkWatermarks(view.reads, terms, findings)
}

const placeOf = ({ client, topic, partition, offset }: Read): string =>
  `${client}: read of ${topic}/${partition} from ${offset}`

function checkSequence(read: Read, findings: Findings): void {
  for (const [index, { offset }] of read.found.entries()) {
    if (offset === read.offset + index) continue
    findings.add('read skips', `${placeOf(read)}: entry ${index} is offset ${offset}`)
    return
  }
  const next = read.offset + read.found.length
  if (read.next !== next) findings.add('read skips', `${placeOf(read)}: next is ${read.next}`)
}

function checkFresh(read: Read, acknowledged: Acknowledged, findings: Findings): void {
  if (read.found.length > 0) return
  const known = acknowledged.highest(read.partition, read.start)
  if (known < read.offset) return
  findings.add('read misses', `${placeOf(read)}: nothing, and ${known} was acknowledged before`)
}

interface Sight {
  readonly read: Read
  readonly found: Found
  readonly acknowledged: Acknowledged
  readonly terms: Terms
}

function checkContent(
  view: LogView,
  { read, found, acknowledged, terms }: Sight,
  findings: Findings,
): void {
  const last = view.at(read.partition, found.offset)
  const isSame =
    last !== undefined &&
    last.id === found.id &&
    last.timestamp === found.timestamp &&
    last.priority === found.priority
  if (isSame) return
  const mayHaveGone =
    terms.losable.has('leader') &&
    terms.losses.some(
      ({ start, end }) =>
        end >= read.start && acknowledged.highest(read.partition, start) < found.offset,
    )
  if (mayHaveGone) return
  const was = `${found.id} at ${found.offset}`
  findings.add('content changed', `${placeOf(read)}: ${was} is ${last?.id ?? 'nothing'} at the end`)
}

/** High watermarks that were seen do not go back, except where a fault may take the end of the log. */
function checkWatermarks(reads: readonly Read[], terms: Terms, findings: Findings): void {
  if (terms.losable.has('leader')) return
  const sights = groupBy(
    reads.filter(({ outcome }) => outcome === 'ok'),
    ({ partition }) => partition,
  )
  for (const all of sights.values()) {
    for (const { sight, known } of stepsBack(
      all.map((read) => ({ read, start: read.start, end: read.end, value: read.highWatermark })),
    )) {
      const message = `${placeOf(sight.read)}: ${sight.value}, and ${known} was seen before`
      findings.add('watermark went back', message)
    }
  }
}

/** Per partition: up to where records were acknowledged for good, by when. */
class Acknowledged {
  readonly #byPartition = new Map<number, { end: number; offset: number }[]>()

  constructor(publishes: readonly Publish[], { losable }: Terms) {
    const sure = publishes.filter(({ outcome, acks }) => outcome === 'ok' && !losable.has(acks))
    for (const { end, places = [] } of sure.sort((a, b) => a.end - b.end)) {
      for (const { partition, offset } of places) {
        const line = ensure(this.#byPartition, partition, () => [])
        line.push({ end, offset: Math.max(offset, line.at(-1)?.offset ?? -1) })
      }
    }
  }

  /** The highest offset acknowledged before `time`; -1 where there is none. */
  highest(partition: number, time: number): number {
    const line = this.#byPartition.get(partition) ?? []
    let low = 0
    let high = line.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((line[middle]?.end ?? 0) < time) low = middle + 1
      else high = middle
    }
    return line[low - 1]?.offset ?? -1
  }
}
