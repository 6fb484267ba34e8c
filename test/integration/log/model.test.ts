import { describe, expect, test } from 'vitest'
import { offset } from '../../../src/kernel/units.ts'
import type { LogEngine, PartitionLog } from '../../../src/log/index.ts'
import { ACKS } from '../../../src/log/index.ts'
import { type DecodedRecord, decodeRecords } from '../../../src/record/index.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import {
  crashCopy,
  openTestEngine,
  readAll,
  temporaryDirectory,
  testPlatform,
  textsOf,
  unsyncedFileSystem,
  values,
} from '../../unit/log/support.ts'

interface ModelRecord {
  readonly text: string
  readonly timestampMs: number
}

/** A log, and beside it the plain array that it must be equal to. */
class Pair {
  readonly #random: SeededRandom
  readonly #made = testPlatform()
  #directory = temporaryDirectory()
  #engine: LogEngine | undefined
  #log: PartitionLog | undefined
  readonly records: ModelRecord[] = []
  start = 0

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
  }

  get log(): PartitionLog {
    if (this.#log === undefined) throw new Error('not open')
    return this.#log
  }

  async open(): Promise<void> {
    const random = this.#random
    this.#engine = await openTestEngine({
      directory: this.#directory,
      platform: this.#made.platform,
      fileSystem: unsyncedFileSystem,
      options: {
        tailCacheBytes: random.pick([0, 3000, 1 << 20]),
        indexCacheBytes: random.pick([0, 100, 1 << 20]),
        maxOpenFiles: random.pick([1, 3, 100]),
        groupBytesMax: random.pick([100, 5000, 1 << 20]),
        verify: random.pick(['tail', 'all'] as const),
      },
    })
    const segmentBytes = random.pick([600, 6000, 30_000])
    this.#log = await this.#engine.open('a', { segmentBytes })
    expect(this.log.offsets()).toMatchObject({ start: this.start, next: this.records.length })
  }

  async step(): Promise<void> {
    const random = this.#random
    const steps: [number, () => Promise<void>][] = [
      [10, () => this.#append()],
      [6, () => this.#read()],
      [3, () => this.#findTime()],
      [1, () => this.#truncate()],
      [1, () => this.#retain()],
      [1, () => this.#reopen()],
      [1, () => this.#crash()],
      [2, async () => this.#made.clock.advance(random.int(1500))],
    ]
    let at = random.int(steps.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, step] of steps) {
      at -= weight
      if (at < 0) return await step()
    }
  }

  /** Several appends at once: they take effect in the order in which they were made. */
  async #append(): Promise<void> {
    const random = this.#random
    const calls: Promise<unknown>[] = []
    for (let call = random.between(1, 6); call > 0; call -= 1) {
      const base = this.records.length
      const size = random.pick([3, 40, 400, 2000])
      const texts = Array.from(
        { length: random.between(1, 5) },
        (_, i) => `${base + i}:${'x'.repeat(random.int(size))}`,
      )
      const timestampMs = Math.max(this.#made.clock.nowMs(), this.records.at(-1)?.timestampMs ?? 0)
      for (const text of texts) this.records.push({ text, timestampMs })
      calls.push(this.log.append(values(...texts), random.pick(ACKS)))
    }
    await Promise.all(calls)
    // What was appended with acks "none" is there after the next answer; the clock must not move before.
    await this.log.sync()
  }

  async #read(): Promise<void> {
    const random = this.#random
    const from = random.between(this.start, this.records.length)
    const limit = { maxBytes: random.pick([1, 100, 5000, 1e6]), maxRecords: random.between(1, 200) }
    const { bytes, count, nextOffset, highWatermark } = await this.log.read(offset(from), limit)
    const expected = this.records.slice(from, from + count)
    this.#compare([...decodeRecords(bytes)], expected, from)
    expect(highWatermark).toBe(this.records.length)
    expect(nextOffset).toBe(from + count)
    expect(count).toBeLessThanOrEqual(limit.maxRecords)
    if (from < this.records.length) expect(count).toBeGreaterThan(0)
    if (count > 1) expect(bytes.length).toBeLessThanOrEqual(limit.maxBytes)
  }

  #compare(found: DecodedRecord[], expected: readonly ModelRecord[], from: number): void {
    expect(textsOf(found)).toEqual(expected.map((record) => record.text))
    expect(found.map((record) => record.offset)).toEqual(expected.map((_, i) => from + i))
    expect(found.map((record) => record.timestampMs)).toEqual(
      expected.map((record) => record.timestampMs),
    )
  }

  async #findTime(): Promise<void> {
    const around = this.#random.pick(this.records.slice(this.start))
    if (around === undefined) return
    const ms = around.timestampMs + this.#random.pick([-1, 0, 1])
    const found = await this.log.offsetAtTime(ms)
    const expected = this.records.findIndex((r, i) => i >= this.start && r.timestampMs >= ms)
    expect(found?.offset ?? -1).toBe(expected)
  }

  async #truncate(): Promise<void> {
    const before = this.#random.between(this.start, this.records.length)
    this.#tookAway(await this.log.truncateBefore(offset(before)), before)
  }

  async #retain(): Promise<void> {
    const { sizeBytes } = this.log.stats()
    const maxBytes = this.#random.int(sizeBytes + 1)
    this.#tookAway(await this.log.retain({ maxBytes }), this.records.length)
  }

  #tookAway(start: number, atMost: number): void {
    expect(start).toBeGreaterThanOrEqual(this.start)
    expect(start).toBeLessThanOrEqual(atMost)
    expect(this.log.offsets().start).toBe(start)
    this.start = start
  }

  async #reopen(): Promise<void> {
    await this.#engine?.close()
    await this.open()
  }

  async #crash(): Promise<void> {
    const copy = crashCopy(this.#directory)
    await this.#engine?.close()
    this.#directory = copy
    await this.open()
  }

  async check(): Promise<void> {
    const found = await readAll(this.log, { maxBytes: 3000, maxRecords: 77 })
    this.#compare(found, this.records.slice(this.start), this.start)
    // No index was lost, so none had to be made again, and nothing was torn.
    expect(this.#made.lines).toEqual([])
  }
}

describe('segmented log', () => {
  test('does as a plain array does, whatever happens to it', async () => {
    const runs = process.env['CI'] ? 30 : 12
    for (let run = 0; run < runs; run += 1) {
      const seed = baseSeed() * 1000 + run
      try {
        const pair = new Pair(seed)
        await pair.open()
        for (let step = 0; step < 60; step += 1) await pair.step()
        await pair.check()
      } catch (error) {
        throw new Error(`GOQUEUE_SEED run ${seed}: ${error}`, { cause: error })
      }
    }
  }, 60_000)
})
