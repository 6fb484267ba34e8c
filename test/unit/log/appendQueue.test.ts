import { describe, expect, test } from 'vitest'
import { AppendQueue, type PendingAppend } from '../../../src/log/segmented/appendQueue.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'

const append = (id: number, size: number): PendingAppend => ({
  batch: { bytes: Buffer.alloc(size), count: 1 },
  acks: 'leader',
  admission: undefined,
  resolve: undefined,
  reject: undefined,
  baseOffset: id,
})

const idsOf = (appends: readonly PendingAppend[]): number[] => appends.map((a) => a.baseOffset)

const ROOM = { segmentBytes: Number.POSITIVE_INFINITY, groupBytesMax: 100 }

describe('append queue', () => {
  test('gives out as many as fit into a group, in order', () => {
    const queue = new AppendQueue()
    for (const id of [0, 1, 2, 3]) queue.push(append(id, 40))
    expect(idsOf(queue.takeGroup(ROOM))).toEqual([0, 1])
    expect(queue.first?.baseOffset).toBe(2)
    expect(idsOf(queue.takeGroup(ROOM))).toEqual([2, 3])
    expect(queue.isEmpty).toBe(true)
  })

  test('gives out one that is larger than a group, alone', () => {
    const queue = new AppendQueue()
    for (const [id, size] of [10, 500, 10].entries()) queue.push(append(id, size))
    expect(idsOf(queue.takeGroup(ROOM))).toEqual([0])
    expect(idsOf(queue.takeGroup(ROOM))).toEqual([1])
    expect(idsOf(queue.takeGroup(ROOM))).toEqual([2])
  })

  test('gives out none where the first does not fit in the segment', () => {
    const queue = new AppendQueue()
    queue.push(append(0, 50))
    expect(queue.takeGroup({ ...ROOM, segmentBytes: 49 })).toEqual([])
    expect(idsOf(queue.takeGroup({ ...ROOM, segmentBytes: 50 }))).toEqual([0])
  })

  test('keeps order and loses nothing over thousands of turns', () => {
    const random = new SeededRandom(baseSeed())
    const queue = new AppendQueue()
    let pushed = 0
    const taken: number[] = []
    for (let turn = 0; turn < 3000; turn += 1) {
      for (let n = random.int(6); n > 0; n -= 1) queue.push(append(pushed++, random.int(60)))
      if (random.chance(0.4)) taken.push(...idsOf(queue.takeGroup(ROOM)))
    }
    taken.push(...idsOf(queue.takeAll()))
    expect(taken).toEqual(Array.from({ length: pushed }, (_, i) => i))
    expect(queue.isEmpty).toBe(true)
  })
})
