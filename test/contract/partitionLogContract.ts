/** What every engine promises, run over each of them. */
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../src/kernel/errors.ts'
import { LIMITS } from '../../src/kernel/limits.ts'
import type { Platform } from '../../src/kernel/platform.ts'
import { offset, type TimestampMs } from '../../src/kernel/units.ts'
import {
  ACKS,
  type Acks,
  type LogEngine,
  type LogOptions,
  type PartitionLog,
} from '../../src/log/index.ts'
import { batchOf, checksumMatches, hasMore, recordLength } from '../../src/record/index.ts'
import { EVERYTHING, readAll, testPlatform, textsOf, values } from '../unit/log/support.ts'

export type OpenEngine = (platform: Platform) => Promise<LogEngine>

const SMALL: LogOptions = { segmentBytes: 1024 }

/** Forty bytes of record each: 32 of header, 8 of value. */
const numbered = (i: number): string => `value-${String(i).padStart(2, '0')}`

export function partitionLogContract(name: string, open: OpenEngine): void {
  const setup = async (options: LogOptions = { segmentBytes: 1 << 20 }) => {
    const { platform, clock, lines } = testPlatform()
    const engine = await open(platform)
    const log = await engine.open('topics/orders~1/0', options)
    return { engine, log, clock, lines }
  }

  /** A log of several segments: `count` records in batches of one, a millisecond apart. */
  const filled = async (count = 100) => {
    const made = await setup(SMALL)
    for (let i = 0; i < count; i += 1) {
      await made.log.append(values(numbered(i)), 'leader')
      made.clock.advance(1)
    }
    return made
  }

  describe(`PartitionLog contract: ${name}: append`, () => {
    test('gives a batch the offsets behind the one before', async () => {
      const { log } = await setup()
      const first = await log.append(values('a', 'b'), 'leader')
      const second = await log.append(values('c'), 'leader')
      expect([first.baseOffset, first.count]).toEqual([0, 2])
      expect([second.baseOffset, second.count]).toEqual([2, 1])
      expect(log.offsets()).toMatchObject({ start: 0, next: 3 })
    })

    test('answers with the durability that was reached', async () => {
      const { log } = await setup()
      const reached: Record<Acks, string> = log.capabilities.durable
        ? { none: 'none', leader: 'memory', all: 'disk' }
        : { none: 'none', leader: 'none', all: 'none' }
      for (const acks of ACKS) {
        expect((await log.append(values('a'), acks)).durability).toBe(reached[acks])
      }
    })

    test.each(['leader', 'all'] as const)(
      'gives the bytes back when it resolves: %s',
      async (acks) => {
        const { log } = await setup()
        const batch = values('a', 'b')
        await log.append(batch, acks)
        batch.bytes.fill(0xff)
        expect(textsOf(await readAll(log))).toEqual(['a', 'b'])
      },
    )

    test('stamps all records of a batch with the time of the append', async () => {
      const { log, clock } = await setup()
      const nowMs = clock.nowMs()
      const { timestampMs } = await log.append(values('a', 'b', 'c'), 'leader')
      expect(timestampMs).toBe(nowMs)
      expect((await readAll(log)).map((record) => record.timestampMs)).toEqual([
        nowMs,
        nowMs,
        nowMs,
      ])
    })

    test('never lets time go back, though the clock does', async () => {
      const { log, clock } = await setup()
      const first = await log.append(values('a'), 'leader')
      clock.stepWallTo(first.timestampMs - 60_000)
      expect((await log.append(values('b'), 'leader')).timestampMs).toBe(first.timestampMs)
    })

    test('stores records with right checksums, chained but for the last of the batch', async () => {
      const { log } = await setup()
      await log.append(values('a', 'b', 'c'), 'leader')
      const { bytes } = await log.read(offset(0), EVERYTHING)
      const chain: boolean[] = []
      for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
        expect(checksumMatches(bytes, at)).toBe(true)
        chain.push(hasMore(bytes, at))
      }
      expect(chain).toEqual([true, true, false])
    })

    test('takes overlapping calls in the order in which they were made', async () => {
      const { log } = await setup(SMALL)
      const calls = Array.from({ length: 200 }, (_, i) =>
        log.append(values(numbered(i)), i % 3 === 0 ? 'all' : 'leader'),
      )
      const results = await Promise.all(calls)
      expect(results.map((result) => result.baseOffset)).toEqual(calls.map((_, i) => i))
      expect(textsOf(await readAll(log))).toEqual(calls.map((_, i) => numbered(i)))
    })

    test('keeps what nobody waits for', async () => {
      const { log } = await setup()
      expect((await log.append(values('a', 'b'), 'none')).count).toBe(2)
      await log.sync()
      expect(textsOf(await readAll(log))).toEqual(['a', 'b'])
    })

    test('tells of new records in the turn in which they become readable', async () => {
      const seen: number[] = []
      const readable: Promise<unknown>[] = []
      let log: PartitionLog | undefined
      const { engine } = await setup()
      log = await engine.open('other', {
        segmentBytes: 1 << 20,
        onAppended: (next) => {
          seen.push(next)
          if (log) readable.push(log.read(offset(next - 1), EVERYTHING))
        },
      })
      await log.append(values('a', 'b'), 'leader')
      await log.append(values('c'), 'all')
      expect(seen).toEqual([2, 3])
      expect(await Promise.all(readable)).toMatchObject([{ count: 1 }, { count: 1 }])
    })

    test('takes a batch that is larger than a segment', async () => {
      const { log } = await setup(SMALL)
      await log.append(values('small'), 'leader')
      await log.append(values('x'.repeat(5000), 'y'), 'leader')
      await log.append(values('small'), 'leader')
      expect((await readAll(log)).map((record) => record.value?.length)).toEqual([5, 5000, 1, 5])
      expect(log.stats().segments).toBe(3)
    })

    test('refuses what is not so many whole records, and stays as it was', async () => {
      const { log } = await setup()
      const { bytes } = values('abc')
      const wrong = [
        { bytes, count: 0 },
        { bytes, count: 2 },
        { bytes: bytes.subarray(0, bytes.length - 1), count: 1 },
        { bytes: Buffer.concat([bytes, Buffer.from([0])]), count: 1 },
        { bytes: Buffer.alloc(0), count: 1 },
      ]
      for (const batch of wrong) {
        await expect(log.append(batch, 'leader')).rejects.toMatchObject({ code: 'CORRUPT_RECORD' })
      }
      expect(log.offsets().next).toBe(0)
    })

    test('refuses more records than a batch may have', async () => {
      const { log } = await setup()
      const count = LIMITS.batchRecordsMax + 1
      const tooMany = log.append({ bytes: values('').bytes, count }, 'leader')
      await expect(tooMany).rejects.toMatchObject({ code: 'BATCH_TOO_LARGE' })
    })

    test('answers a batch with an earlier append where the admission says so, and stores nothing', async () => {
      const { log } = await setup()
      const first = await log.append(values('a', 'b'), 'leader')
      const admission = { decide: () => first, appended() {}, undone() {} }
      const again = await log.append(values('a', 'b'), 'all', admission)
      expect(again).toMatchObject({ baseOffset: 0, count: 2, timestampMs: first.timestampMs })
      expect(log.offsets().next).toBe(2)
    })

    test('refuses a batch that the admission refuses, and tells of the place of one that it admits', async () => {
      const { log, clock } = await setup()
      const refusal = new BrokerError('INVALID_REQUEST', 'not this one')
      const refuse = () => {
        throw refusal
      }
      const refused = log.append(values('a'), 'leader', {
        decide: refuse,
        appended() {},
        undone() {},
      })
      await expect(refused).rejects.toBe(refusal)
      const places: [number, TimestampMs][] = []
      const admission = {
        decide: () => undefined,
        appended: (base: number, timestampMs: TimestampMs) => void places.push([base, timestampMs]),
        undone() {},
      }
      await log.append(values('b', 'c'), 'leader', admission)
      await log.append(values('d'), 'leader', admission)
      expect(places).toEqual([
        [0, clock.nowMs()],
        [2, clock.nowMs()],
      ])
    })
  })

  describe(`PartitionLog contract: ${name}: read`, () => {
    test('begins at any offset that is asked for', async () => {
      const { log } = await filled()
      for (let from = 0; from < 100; from += 1) {
        const { bytes, count, nextOffset } = await log.read(offset(from), {
          maxBytes: 1,
          maxRecords: 1,
        })
        expect([count, nextOffset]).toEqual([1, from + 1])
        expect(bytes.subarray(32).toString()).toBe(numbered(from))
      }
    })

    test('returns nothing at the end of the log', async () => {
      const { log } = await filled(3)
      expect(await log.read(offset(3), EVERYTHING)).toMatchObject({
        count: 0,
        nextOffset: 3,
        highWatermark: 3,
      })
    })

    test('refuses offsets that the log does not have', async () => {
      const { log } = await filled()
      const outOfRange = { code: 'OFFSET_OUT_OF_RANGE' }
      await expect(log.read(offset(101), EVERYTHING)).rejects.toMatchObject(outOfRange)
      const start = await log.truncateBefore(offset(60))
      expect(start).toBeGreaterThan(0)
      await expect(log.read(offset(start - 1), EVERYTHING)).rejects.toMatchObject(outOfRange)
      expect((await log.read(start, EVERYTHING)).count).toBeGreaterThan(0)
    })

    test('keeps to the number of records', async () => {
      const { log } = await filled()
      const limit = { maxBytes: 1 << 20, maxRecords: 7 }
      expect((await log.read(offset(5), limit)).count).toBeLessThanOrEqual(7)
      expect(textsOf(await readAll(log, limit))).toHaveLength(100)
    })

    test('keeps to the number of bytes, but for one record', async () => {
      const { log } = await setup()
      await log.append(values('a', 'x'.repeat(1000), 'b', 'c'), 'leader')
      const limit = { maxBytes: 100, maxRecords: 10 }
      expect((await log.read(offset(0), limit)).count).toBe(1)
      expect((await log.read(offset(1), limit)).bytes.length).toBe(1032)
      expect((await log.read(offset(2), limit)).count).toBe(2)
    })

    test('returns the bytes as stored, whole records, whatever the limit', async () => {
      const { log } = await filled()
      const whole = textsOf(await readAll(log))
      for (const maxBytes of [1, 39, 40, 41, 100, 333, 1024]) {
        expect(textsOf(await readAll(log, { maxBytes, maxRecords: 1000 }))).toEqual(whole)
      }
    })

    test('says where the log ended at that time', async () => {
      const { log } = await filled(10)
      expect((await log.read(offset(2), EVERYTHING)).highWatermark).toBe(10)
    })
  })

  describe(`PartitionLog contract: ${name}: time`, () => {
    test('finds the first record at or after any time', async () => {
      const { log } = await filled()
      const records = await readAll(log)
      const firstMs = records[0]?.timestampMs ?? 0
      for (let ms = firstMs - 2; ms < firstMs + 103; ms += 0.5) {
        const expected = records.find((record) => record.timestampMs >= ms)
        const found = await log.offsetAtTime(ms)
        expect(found?.offset, `at ${ms - firstMs}`).toBe(expected?.offset)
        expect(found?.timestampMs).toBe(expected?.timestampMs)
      }
    })

    test('finds the first of many records of one time', async () => {
      const { log, clock } = await setup(SMALL)
      await log.append(values('before'), 'leader')
      clock.advance(10)
      for (let i = 0; i < 80; i += 1) await log.append(values(numbered(i)), 'leader')
      expect((await log.offsetAtTime(clock.nowMs()))?.offset).toBe(1)
    })

    test('finds nothing in an empty log', async () => {
      const { log } = await setup()
      expect(await log.offsetAtTime(0)).toBeUndefined()
    })
  })

  describe(`PartitionLog contract: ${name}: retention`, () => {
    test('removes whole segments that end at or below an offset', async () => {
      const { log } = await filled()
      const { segments } = log.stats()
      expect(segments).toBe(4)
      expect(await log.truncateBefore(offset(24))).toBe(0)
      expect(await log.truncateBefore(offset(25))).toBe(25)
      expect(await log.truncateBefore(offset(74))).toBe(50)
      expect(log.offsets()).toMatchObject({ start: 50, next: 100 })
      expect(textsOf(await readAll(log))[0]).toBe(numbered(50))
    })

    test('never removes the active segment', async () => {
      const { log } = await filled()
      expect(await log.truncateBefore(offset(100))).toBe(75)
      expect(await log.retain({ maxBytes: 0, maxAgeMs: 0 })).toBe(75)
      await log.append(values('more'), 'leader')
      expect(log.offsets()).toMatchObject({ start: 75, next: 101 })
    })

    test('removes the oldest segments while the log is larger than allowed', async () => {
      const { log } = await filled()
      expect(log.stats().sizeBytes).toBe(4000)
      expect(await log.retain({ maxBytes: 4000 })).toBe(0)
      expect(await log.retain({ maxBytes: 3999 })).toBe(25)
      expect(await log.retain({ maxBytes: 2000 })).toBe(50)
      expect(log.stats()).toEqual({ sizeBytes: 2000, segments: 2 })
    })

    test('removes segments whose newest record is too old', async () => {
      const { log, clock } = await filled()
      const newestOfFirstMs = (await readAll(log))[24]?.timestampMs ?? 0
      const ageMs = clock.nowMs() - newestOfFirstMs
      expect(await log.retain({ maxAgeMs: ageMs })).toBe(0)
      expect(await log.retain({ maxAgeMs: ageMs - 1 })).toBe(25)
      clock.advance(1_000_000)
      expect(await log.retain({ maxAgeMs: 1_000_000 })).toBe(75)
    })

    test('keeps everything where the policy sets no bound', async () => {
      const { log, clock } = await filled()
      clock.advance(1e12)
      expect(await log.retain({})).toBe(0)
    })
  })

  describe(`PartitionLog contract: ${name}: closing`, () => {
    test('writes what was appended before, and refuses everything afterwards', async () => {
      const { log } = await setup()
      const before = log.append(values('a'), 'all')
      const closing = log.close()
      expect((await before).baseOffset).toBe(0)
      await closing
      await log.close()
      const closed = { code: 'LOG_CLOSED' }
      await expect(log.append(values('a'), 'leader')).rejects.toMatchObject(closed)
      await expect(log.read(offset(0), EVERYTHING)).rejects.toMatchObject(closed)
      await expect(log.offsetAtTime(0)).rejects.toMatchObject(closed)
      await expect(log.truncateBefore(offset(0))).rejects.toMatchObject(closed)
      await expect(log.retain({})).rejects.toMatchObject(closed)
      await expect(log.sync()).rejects.toMatchObject(closed)
    })

    test('keeps the records for the next opening, and time too', async () => {
      const { engine, log, clock } = await filled()
      const before = await readAll(log)
      await log.close()
      clock.stepWallTo(0)
      const again = await engine.open('topics/orders~1/0', SMALL)
      expect(textsOf(await readAll(again))).toEqual(textsOf(before))
      const result = await again.append(values('more'), 'leader')
      expect(result).toMatchObject({ baseOffset: 100, timestampMs: before.at(-1)?.timestampMs })
    })

    test('a new segment size counts from then on', async () => {
      const { log } = await filled(10)
      log.configure?.({ segmentBytes: 100 })
      await log.append(values('a'), 'leader')
      await log.append(values('b'), 'leader')
      await log.append(values('c'), 'leader')
      await log.append(values('d'), 'leader')
      expect(log.stats().segments).toBe(3)
    })
  })

  describe(`LogEngine contract: ${name}`, () => {
    test('keeps logs apart', async () => {
      const { engine, log } = await setup()
      const other = await engine.open('topics/orders~1/1', SMALL)
      await log.append(values('here'), 'leader')
      await other.append(values('there'), 'leader')
      expect(textsOf(await readAll(log))).toEqual(['here'])
      expect(textsOf(await readAll(other))).toEqual(['there'])
    })

    test('lists the names below a path', async () => {
      const { engine } = await setup()
      await engine.open('topics/orders~1/1', SMALL)
      await engine.open('topics/bills~2/0', SMALL)
      expect(await engine.list('topics')).toEqual(['bills~2', 'orders~1'])
      expect(await engine.list('topics/orders~1')).toEqual(['0', '1'])
      expect(await engine.list('nowhere')).toEqual([])
    })

    test('removes all logs below a path, also when nothing is left of them', async () => {
      const { engine, log } = await setup()
      await log.append(values('a'), 'all')
      await log.close()
      await engine.remove('topics/orders~1')
      await engine.remove('topics/orders~1')
      await engine.remove('nowhere/at/all')
      expect(await engine.list('topics')).not.toContain('orders~1')
      const again = await engine.open('topics/orders~1/0', SMALL)
      expect(again.offsets().next).toBe(0)
    })

    test('does not open a log twice, nor remove an open one', async () => {
      const { engine } = await setup()
      await expect(engine.open('topics/orders~1/0', SMALL)).rejects.toThrow('open already')
      await expect(engine.remove('topics/orders~1')).rejects.toThrow('while open')
      await expect(engine.remove('topics')).rejects.toThrow('while open')
    })

    test('closes its logs with itself and opens no more', async () => {
      const { engine, log } = await setup()
      const appended = log.append(values('a'), 'leader')
      await engine.close()
      await engine.close()
      expect((await appended).baseOffset).toBe(0)
      await expect(log.append(values('b'), 'leader')).rejects.toMatchObject({ code: 'LOG_CLOSED' })
      await expect(engine.open('x', SMALL)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    })

    test('keeps blobs, replaces and deletes them', async () => {
      const { blobs } = (await setup()).engine
      expect(await blobs.get('state/groups/snapshot')).toBeUndefined()
      await blobs.put('state/groups/snapshot', Buffer.from('one'))
      await blobs.put('state/groups/snapshot', Buffer.from('two'))
      await blobs.put('plain', Buffer.alloc(0))
      expect(String(await blobs.get('state/groups/snapshot'))).toBe('two')
      expect(await blobs.get('plain')).toHaveLength(0)
      await blobs.delete('state/groups/snapshot')
      await blobs.delete('state/groups/snapshot')
      expect(await blobs.get('state/groups/snapshot')).toBeUndefined()
    })

    test('an append of a batch with keys, headers and tombstones comes back part by part', async () => {
      const { log } = await setup()
      await log.append(
        batchOf(
          { key: 'k', value: 'v', extension: { headers: { trace: '1' } }, priority: 0 },
          { key: 'k', value: null },
        ),
        'leader',
      )
      expect(await readAll(log)).toMatchObject([
        { offset: 0, priority: 0, extension: { headers: { trace: '1' } } },
        { offset: 1, value: null },
      ])
    })
  })
}
