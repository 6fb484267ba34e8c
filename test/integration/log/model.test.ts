import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NORMAL_PRIORITY, PRIORITIES, type Priority } from '../../../src/kernel/priority.ts'
import { offset } from '../../../src/kernel/units.ts'
import type { LogEngine, PartitionLog } from '../../../src/log/index.ts'
import { ACKS } from '../../../src/log/index.ts'
import { batchOf, type DecodedRecord, decodeRecords } from '../../../src/record/index.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import {
  countLoaded,
  crashCopy,
  laneOfEach,
  openTestEngine,
  readAll,
  runsOfLane,
  temporaryDirectory,
  testPlatform,
  textsOf,
  unsyncedFileSystem,
} from '../../unit/log/support.ts'

interface ModelRecord {
  readonly text: string
  readonly timestampMs: number
  readonly priority: Priority
}

/** A log, and beside it the plain array that it must be equal to. */
class Pair {
  readonly #random: SeededRandom
  readonly #made = testPlatform()
  /** By run: most records normal, lanes in long stretches, or any lane at any time. */
  readonly #pickLane: () => Priority
  readonly #mayLoseIndexes: boolean
  #directory = temporaryDirectory()
  #engine: LogEngine | undefined
  #log: PartitionLog | undefined
  readonly records: ModelRecord[] = []
  start = 0

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#pickLane = lanePicker(this.#random)
    this.#mayLoseIndexes = this.#random.int(2) === 0
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
      [4, () => this.#findLane()],
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
      const added = texts.map((text) => ({ text, timestampMs, priority: this.#pickLane() }))
      this.records.push(...added)
      const batch = batchOf(...added.map(({ text, priority }) => ({ value: text, priority })))
      calls.push(this.log.append(batch, random.pick(ACKS)))
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

  async #findLane(): Promise<void> {
    const random = this.#random
    const lane = random.int(PRIORITIES.length)
    const from = random.between(0, this.records.length)
    const wanted = this.records
      .map((record, offset) => ({ ...record, offset }))
      .filter(({ priority, offset }) => priority === lane && offset >= from && offset >= this.start)
      .map(({ offset }) => offset)
    const step = random.pick([1, 7, 1000])
    const runs = await runsOfLane(this.log.lanes, lane, from, step)
    expect(offsetsOf(runs)).toEqual(wanted)
    expect(await countLoaded(this.log.lanes, lane, from)).toBe(wanted.length)
    const rest = this.records.slice(Math.max(from, this.start))
    const isPlain = rest.every((record) => record.priority === NORMAL_PRIORITY)
    if (!isPlain) expect(this.log.lanes.isPlain(from)).toBe(false)
    expect(this.log.lanes.isPlain(this.records.length)).toBe(true)
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
    this.#harm()
    await this.open()
  }

  /** Loses index files, or makes bytes of them others. */
  #harm(): void {
    if (!this.#mayLoseIndexes) return
    const random = this.#random
    const directory = join(this.#directory, 'a')
    for (const name of readdirSync(directory)) {
      if (!name.endsWith('index') || random.int(3) > 0) continue
      const file = join(directory, name)
      const bytes = readFileSync(file)
      if (random.int(2) === 0) rmSync(file)
      else if (bytes.length > 0) {
        const at = random.int(bytes.length)
        bytes[at] = (bytes[at] as number) ^ random.between(1, 255)
        writeFileSync(file, random.int(4) === 0 ? bytes.subarray(0, at) : bytes)
      }
    }
  }

  async #crash(): Promise<void> {
    const copy = crashCopy(this.#directory)
    await this.#engine?.close()
    this.#directory = copy
    this.#harm()
    await this.open()
  }

  async check(): Promise<void> {
    const found = await readAll(this.log, { maxBytes: 3000, maxRecords: 77 })
    this.#compare(found, this.records.slice(this.start), this.start)
    const lanes = this.records.slice(this.start).map((record) => record.priority)
    expect(await laneOfEach(this.log)).toEqual(lanes)
    // Where no index was lost none had to be made again, and nothing was torn.
    const lines = this.#made.lines.filter(({ message }) => message !== 'index rebuilt')
    expect(this.#mayLoseIndexes ? lines : this.#made.lines).toEqual([])
  }
}

function lanePicker(random: SeededRandom): () => Priority {
  let lane: number = NORMAL_PRIORITY
  const [stay, normal] = random.pick([
    [0, 0.97],
    [0.9, 0.2],
    [0, 0],
  ] as const)
  return () => {
    if (random.next() >= stay) lane = random.next() < normal ? NORMAL_PRIORITY : random.int(5)
    return lane as Priority
  }
}

/** Each offset of flat runs. */
function offsetsOf(runs: readonly number[]): number[] {
  const offsets: number[] = []
  for (let i = 0; i < runs.length; i += 2) {
    for (let at = runs[i] as number; at < (runs[i + 1] as number); at += 1) offsets.push(at)
  }
  return offsets
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
