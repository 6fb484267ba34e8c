import { describe, expect, test } from 'vitest'
import { IndexBuilder } from '../../../src/log/segmented/indexBuilder.ts'
import { TailCache, type TailOfLog } from '../../../src/log/segmented/tailCache.ts'
import { stampBatch } from '../../../src/log/stamping.ts'
import { decodeRecords, recordLength } from '../../../src/record/index.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import { EVERYTHING, values } from './support.ts'

/** Writes groups to one log of a cache, as the append loop does. */
class Writer {
  readonly tail: TailOfLog
  readonly #cache: TailCache
  position = 0
  offset = 0

  constructor(cache: TailCache) {
    this.#cache = cache
    this.tail = cache.newTail()
  }

  write(...texts: string[]): void {
    const batch = values(...texts)
    stampBatch(batch, { baseOffset: this.offset, timestampMs: 1 })
    const bytes = this.#cache.allocate(batch.bytes.length)
    batch.bytes.copy(bytes)
    const indexer = new IndexBuilder(0, {
      position: this.position - 4096,
      timestampMs: -1,
      mixed: false,
    })
    let { position, offset } = this
    for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
      if (position >= indexer.nextPosition) indexer.add(offset, position, 1)
      position += recordLength(bytes, at)
      offset += 1
    }
    const block = indexer.take(offset)
    const write = { bytes, baseOffset: this.offset, endOffset: offset, position: this.position }
    this.#cache.add(this.tail, { ...write, block })
    this.position = position
    this.offset = offset
  }
}

const offsetsOf = (bytes: Buffer): number[] => [...decodeRecords(bytes)].map((r) => r.offset)

describe('tail cache', () => {
  test('returns what was written last', () => {
    const cache = new TailCache(1 << 20)
    const log = new Writer(cache)
    log.write('a'.repeat(5000), 'b')
    const read = cache.read(log.tail, 0, EVERYTHING)
    expect(offsetsOf(read?.bytes ?? Buffer.alloc(0))).toEqual([0, 1])
  })

  test('leaves what was read as it was when its memory is used again', () => {
    const cache = new TailCache(64 * 1024)
    const log = new Writer(cache)
    log.write('first'.repeat(5000))
    const read = cache.read(log.tail, 0, EVERYTHING)?.bytes ?? Buffer.alloc(0)
    const before = Buffer.from(read)
    for (let i = 0; i < 200; i += 1) log.write('x'.repeat(40_000))
    expect(read.equals(before)).toBe(true)
  })

  test('copies a few bytes out, so that they hold no block of memory', () => {
    const cache = new TailCache(1 << 20)
    const log = new Writer(cache)
    log.write('a')
    const first = cache.read(log.tail, 0, EVERYTHING)?.bytes.buffer
    expect(first?.byteLength).toBeLessThan(64 * 1024)
  })

  test('lays small groups of one log side by side and returns them at once', () => {
    const cache = new TailCache(1 << 20)
    const log = new Writer(cache)
    for (let i = 0; i < 100; i += 1) log.write(`${i}`)
    expect(log.tail.chunks).toHaveLength(1)
    expect(cache.read(log.tail, 0, EVERYTHING)?.nextOffset).toBe(100)
  })

  test('knows nothing of what it dropped or never had', () => {
    const cache = new TailCache(10_000)
    const log = new Writer(cache)
    for (let i = 0; i < 10; i += 1) log.write('x'.repeat(40_000))
    expect(cache.read(log.tail, 0, EVERYTHING)).toBeUndefined()
    expect(cache.read(log.tail, 10, EVERYTHING)).toBeUndefined()
  })

  test('drops the oldest of all logs first, and keeps within its budget', () => {
    const cache = new TailCache(300_000)
    const logs = [new Writer(cache), new Writer(cache)]
    for (let i = 0; i < 40; i += 1) logs[i % 2]?.write(`${i}`, 'x'.repeat(20_000))
    expect(cache.usedBytes).toBeLessThanOrEqual(300_000)
    expect(cache.usedBytes).toBeGreaterThan(200_000)
    for (const log of logs) {
      expect(cache.read(log.tail, 2, EVERYTHING)).toBeUndefined()
      expect(cache.read(log.tail, log.offset - 8, EVERYTHING)?.nextOffset).toBe(log.offset)
    }
  })

  test('forgets a log that is closed, and its memory with it', () => {
    const cache = new TailCache(1 << 20)
    const [first, second] = [new Writer(cache), new Writer(cache)]
    for (let i = 0; i < 20; i += 1) {
      first.write('x'.repeat(50_000))
      second.write('y')
    }
    cache.clear(first.tail)
    expect(cache.read(first.tail, 19, EVERYTHING)).toBeUndefined()
    expect(cache.usedBytes).toBeLessThan(20_000)
    cache.clear(second.tail)
    expect(cache.usedBytes).toBe(0)
    second.write('again')
    expect(cache.read(second.tail, 20, EVERYTHING)?.nextOffset).toBe(21)
  })

  test('without a budget keeps nothing', () => {
    const cache = new TailCache(0)
    const log = new Writer(cache)
    log.write('a')
    expect(cache.read(log.tail, 0, EVERYTHING)).toBeUndefined()
  })

  /** Some writes to two logs, a read after each, held against the sizes of the records. */
  function compare(random: SeededRandom): void {
    const cache = new TailCache(random.pick([50_000, 1 << 22]))
    const logs = [0, 1].map(() => ({ writer: new Writer(cache), sizes: [] as number[] }))
    for (let step = 0; step < 40; step += 1) {
      const { writer, sizes } = random.pick(logs)
      const count = random.between(1, random.pick([2, 300]))
      const lengths = Array.from({ length: count }, () => random.int(random.pick([10, 500])))
      writer.write(...lengths.map((length) => 'x'.repeat(length)))
      sizes.push(...lengths.map((length) => 32 + length))
      compareRead(cache, writer, sizes, random)
    }
  }

  function compareRead(
    cache: TailCache,
    writer: Writer,
    sizes: readonly number[],
    random: SeededRandom,
  ): void {
    const from = random.int(writer.offset)
    const limit = { maxBytes: random.between(1, 50_000), maxRecords: random.between(1, 400) }
    const read = cache.read(writer.tail, from, limit)
    if (read === undefined) return
    const count = read.nextOffset - from
    expect(offsetsOf(read.bytes)).toEqual(Array.from({ length: count }, (_, i) => from + i))
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThanOrEqual(limit.maxRecords)
    if (count > 1) expect(read.bytes.length).toBeLessThanOrEqual(limit.maxBytes)
    const following = sizes[read.nextOffset] ?? Number.POSITIVE_INFINITY
    if (count < limit.maxRecords) {
      expect(read.bytes.length + following).toBeGreaterThan(limit.maxBytes)
    }
  }

  test('reads as a plain array would, at any place and to any limit', () => {
    for (let run = 0; run < 15; run += 1) {
      const seed = baseSeed() * 1000 + run
      try {
        compare(new SeededRandom(seed))
      } catch (error) {
        throw new Error(`seed ${seed}: ${error}`, { cause: error })
      }
    }
  })
})
