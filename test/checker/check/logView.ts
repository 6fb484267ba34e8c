/** A topic's part of a history, in the form that the checks of its log need. */
import {
  type FinalLog,
  type Found,
  named,
  type Operation,
  type Publish,
  type Read,
} from '../history/operation.ts'

export interface Sent {
  readonly publish: Publish
  /** Which message of the call. */
  readonly index: number
}

export interface Stored {
  readonly partition: number
  readonly found: Found
}

export interface LogView {
  readonly topic: string
  readonly publishes: readonly Publish[]
  readonly reads: readonly Read[]
  readonly finals: readonly FinalLog[]
  readonly sent: ReadonlyMap<string, Sent>
  /** Where each message stands at the end; more than one place where it is there twice. */
  readonly stored: ReadonlyMap<string, readonly Stored[]>
  /** What stands at an offset at the end. */
  at(partition: number, offset: number): Found | undefined
}

export function logView(history: readonly Operation[], topic: string): LogView {
  const publishes = named(history, 'publish').filter((each) => each.topic === topic)
  const finals = named(history, 'final').filter((each) => each.topic === topic)
  const sent = new Map<string, Sent>()
  for (const publish of publishes) {
    for (const [index, id] of publish.ids.entries()) sent.set(id, { publish, index })
  }
  const stored = new Map<string, Stored[]>()
  for (const { partition, found: all } of finals) {
    for (const found of all) {
      const places = stored.get(found.id) ?? []
      places.push({ partition, found })
      stored.set(found.id, places)
    }
  }
  const byPartition = new Map(finals.map((each) => [each.partition, each.found]))
  return {
    topic,
    publishes,
    reads: named(history, 'read').filter((each) => each.topic === topic),
    finals,
    sent,
    stored,
    at: (partition, offset) => {
      const all = byPartition.get(partition) ?? []
      return all[offset - (all[0]?.offset ?? 0)]
    },
  }
}
