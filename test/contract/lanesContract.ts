/** What every engine promises about the lanes of its records. */
import { describe, expect, test } from 'vitest'
import { PRIORITIES } from '../../src/kernel/priority.ts'
import { offset } from '../../src/kernel/units.ts'
import type { LaneCounts } from '../../src/log/index.ts'
import { batchOf } from '../../src/record/index.ts'
import { SeededRandom } from '../support/random.ts'
import {
  countLoaded,
  laneOfEach,
  ofLanes,
  readAll,
  runsOfLane,
  testPlatform,
  values,
} from '../unit/log/support.ts'
import type { OpenEngine } from './partitionLogContract.ts'

const PATH = 'topics/orders~1/0'
/** Each record of these tests is 40 bytes: 25 of them in a segment. */
const SMALL = { segmentBytes: 1024 }

export function lanesContract(name: string, open: OpenEngine): void {
  const setup = async (segmentBytes = 1 << 20) => {
    const engine = await open(testPlatform().platform)
    const told: [number, LaneCounts][] = []
    const onAppended = (next: number, lanes: LaneCounts) => void told.push([next, lanes])
    const log = await engine.open(PATH, { segmentBytes, onAppended })
    return { engine, log, told }
  }

  describe(`Lanes contract: ${name}`, () => {
    test('a log of normal records is plain, and all of it one run', async () => {
      const { log, told } = await setup(SMALL.segmentBytes)
      for (let i = 0; i < 60; i += 1) await log.append(values('12345678'), 'leader')
      expect(log.lanes.isPlain(0)).toBe(true)
      expect(log.lanes.next(2, 0, 1000)).toEqual([0, 60])
      expect(log.lanes.next(2, 10, 5)).toEqual([10, 15])
      expect(log.lanes.next(2, 60, 5)).toEqual([])
      for (const lane of [0, 1, 3, 4]) expect(log.lanes.next(lane, 0, 1000)).toEqual([])
      expect([2, 4].map((lane) => log.lanes.count(lane, 20))).toEqual([40, 0])
      expect(told.at(-1)).toEqual([60, undefined])
    })

    test('an empty log has nothing in any lane', async () => {
      const { log } = await setup()
      expect(log.lanes.isPlain(0)).toBe(true)
      expect(PRIORITIES.map((_, lane) => log.lanes.next(lane, 0, 10))).toEqual([[], [], [], [], []])
      expect(log.lanes.count(2, 0)).toBe(0)
    })

    test('each lane has the runs of its own records, joined over batches', async () => {
      const { log } = await setup()
      await log.append(ofLanes([4, 4, 4]), 'leader')
      await log.append(ofLanes([4, 0, 4, 2]), 'leader')
      await log.append(ofLanes([2, 2, 1]), 'leader')
      const runs = PRIORITIES.map((_, lane) => log.lanes.next(lane, 0, 1000))
      expect(runs).toEqual([[4, 5], [9, 10], [6, 9], [], [0, 4, 5, 6]])
      expect(PRIORITIES.map((_, lane) => log.lanes.count(lane, 5))).toEqual([0, 1, 3, 0, 1])
      expect([log.lanes.isPlain(0), log.lanes.isPlain(9)]).toEqual([false, false])
      expect(log.lanes.isPlain(10)).toBe(true)
    })

    test('runs begin where one asks, and end with the records one has room for', async () => {
      const { log } = await setup()
      await log.append(ofLanes([4, 4, 4, 0, 4, 4, 3, 4, 4]), 'leader')
      expect(log.lanes.next(4, 1, 3)).toEqual([1, 3, 4, 5])
      expect(log.lanes.next(4, 3, 3)).toEqual([4, 6, 7, 8])
      expect(log.lanes.next(4, 8, 100)).toEqual([8, 9])
      expect(log.lanes.next(4, 9, 100)).toEqual([])
      expect(log.lanes.next(4, 0, 0)).toEqual([])
    })

    test('tells in the turn of the append how many records are in each lane', async () => {
      const { engine, log, told } = await setup()
      const seen: unknown[] = []
      const other = await engine.open('other', {
        segmentBytes: 1 << 20,
        onAppended: (next, lanes) => void seen.push([lanes, other.lanes.next(0, 0, 10), next]),
      })
      await other.append(ofLanes([2, 0, 0, 3]), 'leader')
      expect(seen).toEqual([[[2, 0, 1, 1, 0], [1, 3], 4]])
      await log.append(ofLanes([3]), 'leader')
      await log.append(ofLanes([2, 2]), 'leader')
      expect(told).toEqual([
        [1, [0, 0, 0, 1, 0]],
        [3, undefined],
      ])
    })

    test('a batch that is answered with an earlier one is in no lane', async () => {
      const { log } = await setup()
      const first = await log.append(ofLanes([0]), 'leader')
      const earlier = { baseOffset: first.baseOffset, timestampMs: first.timestampMs }
      const admission = {
        decide: () => earlier,
        appended: () => undefined,
        undone: () => undefined,
      }
      await log.append(ofLanes([0]), 'leader', admission)
      expect(log.lanes.next(0, 0, 10)).toEqual([0, 1])
      expect(log.lanes.count(0, 0)).toBe(1)
    })

    test('sixteen producers at once: every record is in exactly one lane, its own', async () => {
      const { engine, log } = await setup(16 * 1024)
      const random = new SeededRandom(7)
      const produce = async (): Promise<void> => {
        for (let i = 0; i < 20; i += 1) {
          const lanes = Array.from({ length: random.between(1, 12) }, () => random.int(5))
          await log.append(ofLanes(lanes, random.int(60)), random.pick(['leader', 'all'] as const))
        }
      }
      await Promise.all(Array.from({ length: 16 }, produce))
      const wanted = (await readAll(log)).map((record) => record.priority)
      expect(await laneOfEach(log)).toEqual(wanted)
      expect(await laneOfEach(log, 7)).toEqual(wanted)
      await log.close()
      const again = await engine.open(PATH, { segmentBytes: 16 * 1024 })
      expect(await laneOfEach(again)).toEqual(wanted)
      expect(await laneOfEach(again, 7)).toEqual(wanted)
    })

    test('records that were removed are in no lane', async () => {
      const { log } = await setup(SMALL.segmentBytes)
      for (let i = 0; i < 100; i += 1) await log.append(ofLanes([i % 5]), 'leader')
      const start = await log.truncateBefore(offset(60))
      expect(start).toBeGreaterThan(0)
      expect(await runsOfLane(log.lanes, 0, 0, 1)).toEqual(
        Array.from({ length: 100 }, (_, i) => i)
          .filter((i) => i >= start && i % 5 === 0)
          .flatMap((i) => [i, i + 1]),
      )
      expect(await countLoaded(log.lanes, 0, 0)).toBe(
        Array.from({ length: 100 }, (_, i) => i).filter((i) => i >= start && i % 5 === 0).length,
      )
      await log.truncateBefore(log.offsets().next)
      expect((await laneOfEach(log)).length).toBe(log.offsets().next - log.offsets().start)
    })

    test('a log that was closed still knows its lanes, also where it was plain before', async () => {
      const { engine, log } = await setup(SMALL.segmentBytes)
      for (let i = 0; i < 60; i += 1) await log.append(values('12345678'), 'leader')
      await log.append(ofLanes([0]), 'leader')
      await log.append(values('12345678'), 'leader')
      await log.close()
      const again = await engine.open(PATH, SMALL)
      expect(await runsOfLane(again.lanes, 0, 0)).toEqual([60, 61])
      expect(await runsOfLane(again.lanes, 2, 0)).toEqual([0, 60, 61, 62])
      expect(again.lanes.isPlain(0)).toBe(false)
      expect(again.lanes.isPlain(62)).toBe(true)
      await again.append(batchOf({ value: '1', priority: 4 }), 'leader')
      expect(await runsOfLane(again.lanes, 4, 0)).toEqual([62, 63])
    })
  })
}
