import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { follow, type PlacedRecord, readMerged } from '../../../src/cli/topicReader.ts'
import type { DecodedRecord, ReadRecords } from '../../../src/client/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'

const RECORD = {
  priority: 2,
  key: undefined,
  value: null,
  extension: undefined,
  control: false,
} as const

/** Partitions in memory, given by the times of their records; a read returns at most `pageRecords`. */
function fakeRecords(times: readonly (readonly number[])[], pageRecords: number) {
  const reads: ReadRecords[] = []
  const read = async (asked: ReadRecords) => {
    reads.push(asked)
    const all = times[asked.partition] ?? []
    const records = all
      .map((timestampMs, offset): DecodedRecord => ({ ...RECORD, offset, timestampMs }))
      .slice(asked.offset, asked.offset + pageRecords)
    return { records, nextOffset: asked.offset + records.length }
  }
  return { reads, read }
}

const rangesOf = (times: readonly (readonly number[])[]) =>
  times.map(({ length }, partition) => ({ partition, from: 0, until: length }))

const placeOf = ({ partition, record }: PlacedRecord) =>
  [record.timestampMs, partition, record.offset] as const

async function merged(times: readonly (readonly number[])[], pageRecords: number) {
  const records = fakeRecords(times, pageRecords)
  const signal = new AbortController().signal
  const places: (readonly [number, number, number])[] = []
  for await (const group of readMerged({ records, topic: 't', signal }, rangesOf(times))) {
    places.push(...group.map(placeOf))
  }
  return places
}

describe('merge', () => {
  test('is a stable sort by time, whatever comes in a page', async () => {
    const ascending = fc.array(fc.nat(20)).map((values) => values.toSorted((a, b) => a - b))
    const partitions = fc.array(ascending, { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(partitions, fc.integer({ min: 1, max: 4 }), async (times, pageRecords) => {
        const sorted = times
          .flatMap((column, partition) =>
            column.map((time, offset) => [time, partition, offset] as const),
          )
          .sort(([a, p], [b, q]) => a - b || p - q)
        expect(await merged(times, pageRecords)).toEqual(sorted)
      }),
    )
  })

  test('leaves out what was written after it began', async () => {
    const records = fakeRecords([[1, 2, 3]], 10)
    const signal = new AbortController().signal
    const ranges = [{ partition: 0, from: 1, until: 2 }]
    const groups: PlacedRecord[][] = []
    for await (const group of readMerged({ records, topic: 't', signal }, ranges)) {
      groups.push([...group])
    }
    expect(groups.flat().map(placeOf)).toEqual([[2, 0, 1]])
  })

  test('asks less of each partition the more there are', async () => {
    const many = Array.from({ length: 1000 }, () => [1])
    const records = fakeRecords(many, 10)
    const signal = new AbortController().signal
    for await (const _ of readMerged({ records, topic: 't', signal }, rangesOf(many)));
    const askedBytes = records.reads.reduce((sum, { maxBytes = 0 }) => sum + maxBytes, 0)
    expect(askedBytes).toBeLessThanOrEqual(64 * 1024 * 1024)
  })
})

describe('follow', () => {
  /** One record a read, for ever, alternating which partition answers first. */
  const endless = () => ({
    read: async ({ partition, offset, signal }: ReadRecords) => {
      if (signal?.aborted === true) throw new Error('aborted')
      await new Promise((resolve) => setImmediate(resolve))
      const record: DecodedRecord = { ...RECORD, offset, timestampMs: partition }
      return { records: [record], nextOffset: offset + 1 }
    },
  })
  const ranges = [
    { partition: 0, from: 0, until: 5 },
    { partition: 1, from: 9, until: 7 },
  ]

  test('begins behind what was there, shows one group at a time and stops when told', async () => {
    const shown: number[][] = []
    let showing = 0
    const signal = new AbortController().signal
    await follow({ records: endless(), topic: 't', signal }, ranges, async (arrived) => {
      showing += 1
      expect(showing).toBe(1)
      await new Promise((resolve) => setImmediate(resolve))
      shown.push(...arrived.map(({ partition, record }) => [partition, record.offset]))
      showing -= 1
      return shown.length < 6 ? 'more' : 'enough'
    })
    expect(shown).toHaveLength(6)
    for (const [partition, first] of [
      [0, 5],
      [1, 9],
    ] as const) {
      const offsets = shown.filter(([p]) => p === partition).map(([, offset]) => offset)
      expect(offsets).toEqual(offsets.map((_, i) => first + i))
    }
  })

  test('outlives a broker that is away for a while', async () => {
    const troubles: string[] = []
    const pauses: number[] = []
    const offsets: number[] = []
    let tries = 0
    const read = async (asked: ReadRecords) => {
      tries += 1
      if (tries % 4 !== 0) throw new BrokerError('CONNECTION_FAILED', `away ${tries}`)
      return await endless().read(asked)
    }
    const options = {
      records: { read },
      topic: 't',
      signal: new AbortController().signal,
      onTrouble: ({ message }: BrokerError) => troubles.push(message),
      pause: async (delayMs: number) => void pauses.push(delayMs),
    }
    await follow(options, [{ partition: 0, from: 0, until: 0 }], async ([first]) => {
      offsets.push(first?.record.offset ?? -1)
      return offsets.length < 2 ? 'more' : 'enough'
    })
    expect(offsets).toEqual([0, 1])
    expect(troubles.slice(0, 4)).toEqual(['away 1', 'away 2', 'away 3', 'away 5'])
    expect(pauses.slice(0, 4)).toEqual([250, 500, 1000, 250])
  })

  test('takes its own end for no trouble', async () => {
    const abort = new AbortController()
    const troubles: string[] = []
    const read = async () => {
      abort.abort()
      throw new BrokerError('CANCELLED', 'the request was cancelled')
    }
    const onTrouble = ({ message }: BrokerError) => void troubles.push(message)
    const options = { records: { read }, topic: 't', signal: abort.signal, onTrouble }
    const followed = follow(options, ranges, async () => 'more')
    await expect(followed).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(troubles).toEqual([])
  })

  test('passes on what goes wrong, and an abort from outside', async () => {
    const broken = { read: () => Promise.reject(new Error('disk')) }
    const signal = new AbortController().signal
    const more = async () => 'more' as const
    await expect(follow({ records: broken, topic: 't', signal }, ranges, more)).rejects.toThrow(
      'disk',
    )
    const aborted = AbortSignal.abort()
    await expect(
      follow({ records: endless(), topic: 't', signal: aborted }, ranges, more),
    ).rejects.toThrow('aborted')
  })
})
