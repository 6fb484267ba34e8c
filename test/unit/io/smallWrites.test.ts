import { describe, expect, test } from 'vitest'
import { SMALL_WRITE_BYTES, SmallWrites } from '../../../src/io/smallWrites.ts'

const world = () => {
  const time = { nowMs: 1_000 }
  const writes = new SmallWrites(() => time.nowMs)
  const taking = (ms: number) => () => {
    time.nowMs += ms
  }
  return { time, writes, taking }
}

describe('small writes', () => {
  test('only small ones are made on the spot', () => {
    const { writes } = world()
    expect(writes.suits(SMALL_WRITE_BYTES)).toBe(true)
    expect(writes.suits(SMALL_WRITE_BYTES + 1)).toBe(false)
  })

  test('one that took long sends the next ones to the pool for a hundred times as long', () => {
    const { time, writes, taking } = world()
    writes.run(taking(2))
    expect(writes.suits(1)).toBe(true)
    writes.run(taking(3))
    expect(writes.suits(1)).toBe(false)
    time.nowMs += 299
    expect(writes.suits(1)).toBe(false)
    time.nowMs += 1
    expect(writes.suits(1)).toBe(true)
    writes.run(taking(20))
    time.nowMs += 1_999
    expect(writes.suits(1)).toBe(false)
    time.nowMs += 1
    expect(writes.suits(1)).toBe(true)
  })

  test('one that fails slowly counts as slow, and its error is told', () => {
    const { writes, taking } = world()
    const failing = (): void => {
      taking(50)()
      throw new Error('full')
    }
    expect(() => writes.run(failing)).toThrow('full')
    expect(writes.suits(1)).toBe(false)
  })
})
