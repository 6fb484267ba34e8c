import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LaneRuns, RunCollector } from '../../../src/log/laneRuns.ts'
import { encodeBlock } from '../../../src/log/segmented/laneBlocks.ts'
import { blocksOf, encodeFile, holds, runsOf } from '../../../src/log/segmented/laneFile.ts'
import { baseSeed } from '../../support/random.ts'

const BASE = 2 ** 40

/** Stretches of records in one lane. */
const stretches = fc.array(fc.record({ lane: fc.nat(4), count: fc.integer({ min: 1, max: 9 }) }), {
  minLength: 1,
  maxLength: 60,
})
type Stretches = readonly { readonly lane: number; readonly count: number }[]

/** The lane of each record, one by one: the stupid twin. */
const eachOf = (parts: Stretches): number[] =>
  parts.flatMap(({ lane, count }) => new Array<number>(count).fill(lane))

function runsFrom(parts: Stretches): LaneRuns {
  const runs = new LaneRuns()
  let at = BASE
  for (const { lane, count } of parts) {
    runs.add(lane, at, at + count)
    at += count
  }
  return runs
}

/** Offset and lane by turns. */
function turnsOf(parts: Stretches): number[] {
  let at = BASE
  return parts.flatMap(({ lane, count }) => {
    at += count
    return [at - count, lane]
  })
}

const offsetsOf = (runs: readonly number[]): number[] => {
  const offsets: number[] = []
  for (let i = 0; i < runs.length; i += 2) {
    for (let at = runs[i] as number; at < (runs[i + 1] as number); at += 1) offsets.push(at)
  }
  return offsets
}

/** Offsets of the lane from `from` on. */
const wanted = (lanes: readonly number[], lane: number, from: number): number[] =>
  lanes.flatMap((each, i) => (each === lane && BASE + i >= from ? [BASE + i] : []))

const check = <T>(property: fc.IProperty<T>): void =>
  fc.assert(property, { seed: baseSeed(), numRuns: 150 })

describe('runs of lanes', () => {
  test('answer as a list of the lane of each record does', () => {
    const at = fc.tuple(fc.nat(4), fc.integer({ min: -3, max: 300 }), fc.nat(40), fc.nat(200))
    check(
      fc.property(stretches, at, (parts, [lane, relative, max, dropped]) => {
        const lanes = eachOf(parts)
        const runs = runsFrom(parts)
        runs.dropBelow(BASE + dropped)
        const from = BASE + relative
        const offsets = wanted(lanes, lane, Math.max(from, BASE + dropped))
        const found = new RunCollector(max)
        runs.collect(lane, from, found)
        expect(offsetsOf(found.runs)).toEqual(offsets.slice(0, max))
        expect(runs.count(lane, from)).toBe(offsets.length)
        const last = wanted(lanes, lane, BASE + dropped).at(-1)
        expect(runs.endOf(lane)).toBe(last === undefined ? 0 : last + 1)
        // Neighbours are one run.
        for (let i = 2; i < found.runs.length; i += 2) {
          expect(found.runs[i]).toBeGreaterThan(found.runs[i - 1] as number)
        }
      }),
    )
  })

  test('come back from blocks as they were, wherever these begin and end', () => {
    check(
      fc.property(stretches, fc.array(fc.nat(300), { maxLength: 5 }), (parts, cuts) => {
        const lanes = eachOf(parts)
        const runs = runsFrom(parts)
        const end = BASE + lanes.length
        const edges = [BASE, ...cuts.map((cut) => BASE + cut), end]
        const sorted = [...new Set(edges)].filter((edge) => edge <= end).sort((a, b) => a - b)
        const blocks = sorted
          .slice(1)
          .map((to, i) => encodeBlock(runs, { from: sorted[i] as number, to }, BASE))
        const bytes = Buffer.concat(blocks)
        const { directory, size } = blocksOf(bytes, BASE)
        expect([directory.length, size]).toEqual([blocks.length, bytes.length])
        const back = runsOf(directory, bytes, BASE)
        for (let lane = 0; lane < 5; lane += 1) {
          expect(back.slice(lane, BASE, end)).toEqual(runs.slice(lane, BASE, end))
        }
      }),
    )
  })

  test('in a file whose bytes are others are not what they were', () => {
    check(
      fc.property(stretches, fc.nat(), fc.integer({ min: 1, max: 255 }), (parts, at, flipped) => {
        const runs = runsFrom(parts)
        const stretch = { from: BASE, to: BASE + eachOf(parts).length }
        const { bytes } = encodeFile(runs, turnsOf(parts), stretch)
        expect(holds(bytes, runs, stretch)).toBe(true)
        const index = at % bytes.length
        bytes[index] = (bytes[index] as number) ^ flipped
        expect(holds(bytes, runs, stretch), `byte ${index}`).toBe(false)
        expect(holds(bytes.subarray(0, index), runs, stretch)).toBe(false)
      }),
    )
  })
})
