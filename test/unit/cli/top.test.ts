/** The parts of `goqueue top`: reading metrics, rates between two looks, fitting a terminal. */
import { describe, expect, test } from 'vitest'
import { coloursFor } from '../../../src/cli/output.ts'
import { flowed, tableLines } from '../../../src/cli/top/columns.ts'
import { figuresBetween } from '../../../src/cli/top/figures.ts'
import type { Look } from '../../../src/cli/top/look.ts'
import { quantileBetween, Samples } from '../../../src/cli/top/samples.ts'
import { screenLines } from '../../../src/cli/top/screen.ts'
import { PRIORITIES } from '../../../src/kernel/priority.ts'
import { fakeIo } from '../../support/cliIo.ts'

const each = <T>(value: T) =>
  Object.fromEntries(PRIORITIES.map((name) => [name, value])) as Record<'normal', T> &
    Record<(typeof PRIORITIES)[number], T>

const NO_PRIORITIES: Look['priorities'] = {
  messages_by_priority: each(0),
  in_flight_by_priority: each(0),
  avg_wait_time_by_priority: each('0ms'),
  served_share_by_priority: each(0),
  weights: each(1),
  topics: {},
  groups: {},
}
const lookAt = (atMs: number, text: string): Look => ({
  ...{ atMs, samples: new Samples(text), priorities: NO_PRIORITIES },
})

describe('metrics that are read', () => {
  test('are found by name and labels, summed, and summed by a label', () => {
    const samples = new Samples(
      '# HELP a b\n# TYPE a counter\na{topic="x",code="1"} 2\na{topic="x",code="2"} 3\na{topic="y"} 4\nb 1.5e3\n',
    )
    expect(samples.value('b')).toBe(1500)
    expect(samples.value('nothing')).toBeUndefined()
    expect(samples.sum('a', { topic: 'x' })).toBe(5)
    expect([...samples.by('topic', 'a')]).toEqual([
      ['x', 5],
      ['y', 4],
    ])
  })

  test('may have quotes and line ends in their labels', () => {
    const [sample] = new Samples('a{l="x\\"y\\\\z\\nend",m="}"} 1').all('a')
    expect(sample?.labels).toEqual({ l: 'x"y\\z\nend', m: '}' })
  })
})

describe('the quantile between two looks', () => {
  const histogram = (...counts: readonly number[]): Samples =>
    new Samples(
      ['0.1', '0.2', '+Inf'].map((le, i) => `h_bucket{le="${le}"} ${counts[i]}`).join('\n'),
    )
  const query = { name: 'h', quantile: 0.5 }

  test('lies within the bucket in which it is reached', () => {
    expect(quantileBetween(histogram(10, 10, 10), histogram(10, 20, 20), query)).toBeCloseTo(0.15)
  })

  test('is the last bound where it is beyond all of them, and nothing where nothing was', () => {
    expect(quantileBetween(histogram(0, 0, 0), histogram(0, 0, 9), query)).toBe(0.2)
    expect(quantileBetween(histogram(1, 2, 3), histogram(1, 2, 3), query)).toBeNull()
  })
})

describe('figures between two looks', () => {
  const published = (orders: number, bills: number): string =>
    `goqueue_topic_partitions{topic="orders"} 3
goqueue_topic_partitions{topic="bills"} 1
goqueue_group_lag_messages{group="g",topic="orders"} 7
goqueue_group_active_members{group="g"} 2
goqueue_published_messages_total{topic="orders"} ${orders}
goqueue_published_messages_total{topic="bills"} ${bills}`

  test('have rates a second, whatever the time between them', () => {
    const figures = figuresBetween(lookAt(1_000, published(10, 0)), lookAt(3_000, published(50, 0)))
    expect(figures.traffic.in_rate).toBe(20)
    expect(figures.topics.map(({ topic, in_rate, lag }) => [topic, in_rate, lag])).toEqual([
      ['orders', 20, 7],
      ['bills', 0, 0],
    ])
    expect(figures.groups).toEqual([{ group: 'g', members: 2, topics: 1, lag: 7, in_flight: 0 }])
  })

  test('count what there is since the start where the broker began anew', () => {
    const figures = figuresBetween(lookAt(0, published(90, 0)), lookAt(1_000, published(30, 0)))
    expect(figures.topics[0]?.in_rate).toBe(30)
  })

  test('have no rates at the first look', () => {
    const figures = figuresBetween(undefined, lookAt(0, published(90, 0)))
    expect(figures.traffic).toMatchObject({ in_rate: 0, publish_p99_seconds: null })
  })
})

describe('a screen', () => {
  const { io } = fakeIo()
  const colours = coloursFor(io, io.stdout)
  const topics = Array.from(
    { length: 40 },
    (_, i) => `goqueue_topic_partitions{topic="a-topic-with-a-rather-long-name-${i}"} 1
goqueue_published_messages_total{topic="a-topic-with-a-rather-long-name-${i}"} ${i}
goqueue_group_lag_messages{group="g${i}",topic="t"} ${i}
goqueue_group_active_members{group="g${i}"} 0`,
  ).join('\n')
  const figures = figuresBetween(lookAt(0, ''), lookAt(1_000, topics))

  test.each([
    [120, 50],
    [80, 24],
    [40, 24],
    [20, 30],
  ])('of %i columns and %i rows is kept to', (columns, rows) => {
    const lines = screenLines(figures, 'busy', { columns, rows, colours })
    expect(lines.filter((line) => line.length > columns)).toEqual([])
    expect(lines.length).toBeLessThanOrEqual(rows)
    expect(lines.join('\n')).toMatch(/and \d+ topics more/)
  })

  test('has the busiest topic first, or what else is asked for', () => {
    const first = (sort: 'busy' | 'name'): string | undefined =>
      screenLines(figures, sort, { columns: 120, rows: undefined, colours })
        .find((line) => line.startsWith('a-topic'))
        ?.split(' ')[0]
    expect(first('busy')).toMatch(/-39$/)
    expect(first('name')).toMatch(/-0$/)
  })
})

describe('columns', () => {
  const columns = ['name', 'first', 'second'].map((heading, rank) => ({
    ...{ heading, rank },
    cell: (row: readonly string[]) => ({ text: row[rank] ?? '' }),
  }))
  const dim = (text: string): string => text

  test('leave by their rank where there is no room', () => {
    const row = ['some name', '123', '45']
    const lines = (width: number) => tableLines(columns, [row], { width, dim })
    expect(lines(40)).toEqual(['NAME       FIRST  SECOND', 'some name    123      45'])
    expect(lines(20)).toEqual(['NAME       FIRST', 'some name    123'])
    expect(lines(9)).toEqual(['NAME     ', 'some name'])
  })

  test('of facts go on in the next line', () => {
    const facts = ['one', 'two', 'three'].map((text) => ({ text }))
    expect(flowed(facts, 8)).toEqual(['one  two', 'three'])
  })
})
