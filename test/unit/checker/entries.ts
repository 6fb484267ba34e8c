/** Histories by hand: entries with everything that a test does not care about filled in. */
import type {
  FinalLog,
  Found,
  HandOut,
  Named,
  OperationName,
  Poll,
  Publish,
  Read,
  Settle,
} from '../../checker/history/operation.ts'

/** A call that took from `start` to `end`. */
const call = (start: number, end: number) => ({
  ...{ client: 'c', outcome: 'ok' as const, start, end, startWall: start, endWall: end },
})

export const TOPIC = 't'
export const GROUP = 'g'

type Given<N extends OperationName> = Partial<Omit<Named<N>, 'op'>>

/** Messages `ids`, stored in partition 0 from `offset` on. */
export function publish(
  ids: readonly string[],
  offset: number,
  given: Given<'publish'> = {},
): Publish {
  return {
    ...{ op: 'publish', topic: TOPIC, acks: 'all', ids, priority: 'normal', isOneBatch: true },
    places: ids.map((_, i) => ({ partition: 0, offset: offset + i })),
    ...call(offset * 10, offset * 10 + 5),
    ...given,
  }
}

export const found = (ids: readonly string[], from = 0): Found[] =>
  ids.map((id, i) => ({ offset: from + i, id, timestamp: 1000 + from + i, priority: 'normal' }))

export const final = (ids: readonly string[], given: Given<'final'> = {}): FinalLog => ({
  ...{ op: 'final', topic: TOPIC, partition: 0, found: found(ids) },
  ...call(10_000, 10_001),
  ...given,
})

export const read = (offset: number, ids: readonly string[], given: Given<'read'> = {}): Read => ({
  ...{ op: 'read', topic: TOPIC, partition: 0, offset, found: found(ids, offset) },
  ...{ next: offset + ids.length, highWatermark: 100 },
  ...call(5000, 5001),
  ...given,
})

export const handOut = (id: string, deliveryCount: number, given: Partial<HandOut> = {}) => ({
  ...{ topic: TOPIC, partition: 0, offset: 0, id, priority: 'normal', deliveryCount },
  receipt: `${GROUP}:${TOPIC}:0:${given.offset ?? 0}:${deliveryCount}:x`,
  ...given,
})

/** Leases of one second, handed out between `start` and `end`. */
export const poll = (
  handOuts: readonly HandOut[],
  [start, end]: readonly [number, number],
  given: Given<'poll'> = {},
): Poll => ({
  ...{ op: 'poll', group: GROUP, member: 'm', visibilityMs: 1000, handOuts },
  ...call(start, end),
  ...given,
})

export const settle = (
  kind: Settle['kind'],
  each: HandOut,
  [start, end]: readonly [number, number],
  given: Given<'settle'> = {},
): Settle => ({
  ...{ op: 'settle', kind, group: GROUP, handOut: each },
  ...call(start, end),
  ...given,
})

export const rest = (lag: number): Named<'rest'> => ({
  ...{ op: 'rest', group: GROUP, topic: TOPIC, lag },
  ...call(9000, 9001),
})

export { call }
