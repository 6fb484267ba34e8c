import { describe, expect, test } from 'vitest'
import { KiB, MiB } from '../../../src/kernel/units.ts'
import { BodyBlocks } from '../../../src/listeners/http/bodyBlocks.ts'

const taken = (blocks: BodyBlocks, bytes: number): Buffer => {
  const body = blocks.take(bytes)
  if (body === undefined) throw new Error(`nothing for ${bytes} bytes`)
  return body
}

describe('blocks for bodies', () => {
  test('are as long as asked for; small and huge ones are not worth it', () => {
    const blocks = new BodyBlocks()
    expect(taken(blocks, 100 * KiB).length).toBe(100 * KiB)
    expect(taken(blocks, 1 * MiB).length).toBe(1 * MiB)
    expect([blocks.take(32 * KiB - 1), blocks.take(1 * MiB + 1)]).toEqual([undefined, undefined])
  })

  test('are lent again when they were given back, to one at a time', () => {
    const blocks = new BodyBlocks()
    const first = taken(blocks, 100 * KiB)
    expect(taken(blocks, 100 * KiB).buffer).not.toBe(first.buffer)
    blocks.giveBack(first)
    blocks.giveBack(first)
    expect(taken(blocks, 70 * KiB).buffer).toBe(first.buffer)
    expect(taken(blocks, 70 * KiB).buffer).not.toBe(first.buffer)
  })

  test('leaves alone what is not its own', () => {
    const blocks = new BodyBlocks()
    const other = Buffer.allocUnsafeSlow(128 * KiB)
    blocks.giveBack(other)
    expect(taken(blocks, 128 * KiB).buffer).not.toBe(other.buffer)
  })

  test('keeps four mebibytes and no more', () => {
    const blocks = new BodyBlocks()
    const bodies = Array.from({ length: 6 }, () => taken(blocks, 1 * MiB))
    for (const body of bodies) blocks.giveBack(body)
    const known = new Set(bodies.map(({ buffer }) => buffer))
    const again = bodies.map(() => known.has(taken(blocks, 1 * MiB).buffer))
    expect(again).toEqual([true, true, true, true, false, false])
  })
})
