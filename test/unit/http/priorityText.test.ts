import { describe, expect, test } from 'vitest'
import { formatTime } from '../../../src/api/index.ts'
import type { GroupLaneFigures, PriorityFigures } from '../../../src/broker/index.ts'
import { PRIORITIES } from '../../../src/kernel/priority.ts'
import { writePriorityStats } from '../../../src/listeners/http/priorityText.ts'
import { JsonOutput } from '../../../src/listeners/http/read/jsonOutput.ts'

type PartitionFigures = PriorityFigures['partitions'][number]

const SERVED_MS = 1_763_000_000_123
const NONE = [0, 0, 0, 0, 0]

const EMPTY: PriorityFigures = {
  ...{ ready: NONE, inFlight: NONE, served: NONE, averageWaitMs: NONE, waits: [] },
  ...{ weights: [50, 25, 15, 7, 3], partitions: [], groups: [] },
}

const GROUP: GroupLaneFigures = {
  ...{ group: 'g', weights: [5, 4, 3, 2, 1], boostMs: 30_000, lowLanesShareMax: 0.75, boosts: 7 },
  ...{ inFlight: [1, 0, 2, 0, 0], slots: 10, lowLanesMax: 8 },
}

/** Any set of lanes in use by `i`, and numbers of every length. */
const partition = (topic: string, i: number): PartitionFigures => {
  const used = <T>(of: (lane: number) => T): (T | 0)[] =>
    PRIORITIES.map((_, lane) => ((i >> lane) & 1 ? of(lane) : 0))
  return {
    ...{ topic, partition: 37 * i, ready: used((lane) => 10 ** (3 * lane) + i) },
    ...{ inFlight: used(() => i), lastServedMs: used((lane) => (lane < 3 ? SERVED_MS + i : 0)) },
    enqueueRate: used((lane) => [0.0004, 0.9996, 12_345.6789, 1.05, 0.1][lane] ?? 0),
    dequeueRate: used((lane) => (i * i) / 1_000 + lane / 7),
  }
}

const plain = (figures: PartitionFigures) =>
  Object.fromEntries(
    PRIORITIES.map((name, lane) => {
      const servedMs = figures.lastServedMs[lane] as number
      return [
        name,
        {
          ...{ ready: figures.ready[lane], in_flight: figures.inFlight[lane] },
          enqueue_rate: Number((figures.enqueueRate[lane] as number).toFixed(3)),
          dequeue_rate: Number((figures.dequeueRate[lane] as number).toFixed(3)),
          last_served_at: servedMs === 0 ? null : formatTime(servedMs),
        },
      ]
    }),
  )

function written(figures: PriorityFigures, output = new JsonOutput()) {
  writePriorityStats(figures, output)
  return JSON.parse(output.view().toString())
}

describe('the text of priorities', () => {
  test('is whole where there is nothing', () => {
    expect(written(EMPTY)).toMatchObject({
      ...{ weights: { critical: 50, background: 3 }, groups: {}, topics: {} },
      avg_wait_time_by_priority: { normal: '0ms' },
    })
  })

  test('says of each lane of each partition what JSON.stringify would', () => {
    const partitions = ['a', 'b.c'].flatMap((topic) =>
      Array.from({ length: 32 }, (_, i) => partition(topic, i)),
    )
    const ofTopic = Object.fromEntries(
      Array.from({ length: 32 }, (_, i) => [37 * i, plain(partition('a', i))]),
    )
    const output = new JsonOutput()
    written({ ...EMPTY, partitions: [...partitions, ...partitions] }, output)
    expect(written({ ...EMPTY, partitions }, output)['topics']).toEqual({
      ...{ a: ofTopic, 'b.c': ofTopic },
    })
  })

  test('says how each group serves its lanes', () => {
    const { groups } = written({ ...EMPTY, groups: [GROUP, { ...GROUP, group: 'h' }] })
    expect(Object.keys(groups)).toEqual(['g', 'h'])
    expect(groups.h).toEqual({
      weights: { critical: 5, high: 4, normal: 3, low: 2, background: 1 },
      ...{ boost: '30s', boosts: 7, low_lanes_share_max: 0.75, slots: 10, low_lanes_max: 8 },
      in_flight: { critical: 1, high: 0, normal: 2, low: 0, background: 0 },
    })
  })

  test('outgrows its buffer where there are thousands of partitions', () => {
    const partitions = Array.from({ length: 3_000 }, (_, i) => partition('t', i))
    expect(Object.keys(written({ ...EMPTY, partitions })['topics'].t)).toHaveLength(3_000)
  })
})
