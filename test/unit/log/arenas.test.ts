import { describe, expect, test } from 'vitest'
import { Arenas } from '../../../src/log/segmented/arenas.ts'

const HALF = 512 * 1024

describe('arenas', () => {
  test('use a block again when all in it was given back, and not before', () => {
    const arenas = new Arenas()
    const first = [arenas.allocate(HALF), arenas.allocate(HALF)] as const
    const second = arenas.allocate(HALF)
    expect(second.buffer).not.toBe(first[0].buffer)
    arenas.giveBack(first[0])
    const third = [arenas.allocate(HALF), arenas.allocate(HALF)] as const
    expect(third[0].buffer).toBe(second.buffer)
    expect(third[1].buffer).not.toBe(first[0].buffer)
    arenas.giveBack(first[1])
    arenas.allocate(HALF)
    expect(arenas.allocate(HALF).buffer).toBe(first[0].buffer)
  })

  test('never lay two allocations over each other while both are in use', () => {
    const arenas = new Arenas()
    const live: { bytes: Buffer; mark: number }[] = []
    for (let i = 0; i < 2000; i += 1) {
      const bytes = arenas.allocate(1 + ((i * 7919) % 90_000))
      bytes.fill(i & 255)
      live.push({ bytes, mark: i & 255 })
      while (live.length > 40) {
        const oldest = live.splice((i * 31) % 20, 1)[0]
        if (oldest === undefined) break
        expect(oldest.bytes.equals(Buffer.alloc(oldest.bytes.length, oldest.mark))).toBe(true)
        arenas.giveBack(oldest.bytes)
      }
    }
  })

  test('give a large one memory of its own', () => {
    const arenas = new Arenas()
    const large = arenas.allocate(3 * HALF)
    expect(large.byteLength).toBe(3 * HALF)
    expect(() => arenas.giveBack(large)).not.toThrow()
  })
})
