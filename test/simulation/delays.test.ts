/** Delayed messages on a disk that forgets what was not synced, under a clock that does not keep still. */
import { describe, expect, test } from 'vitest'
import { DelaysWorld } from './support/delaysWorld.ts'
import { atLeast, seeds } from './support/runs.ts'

describe('delayed messages', () => {
  test('come once, never early, and never when cancelled, through crashes of any kind', async () => {
    const sum = { delivered: 0, cancelled: 0, rescheduled: 0, tooLate: 0 }
    for (const seed of seeds(0.06, 1_200_000)) {
      const world = new DelaysWorld({
        ...{ seed, lives: 4 },
        ends: ['power', 'process', 'process', 'clean'],
      })
      await world.run()
      for (const [name, count] of Object.entries(world.tally))
        sum[name as keyof typeof sum] += count
    }
    for (const [name, count] of Object.entries(sum)) {
      expect(count, name).toBeGreaterThanOrEqual(atLeast(100))
    }
  })

  test('survive a power loss at every single boundary of one life', async () => {
    const world = (fate: number, firstCut: number): DelaysWorld =>
      new DelaysWorld({ seed: 5, fate, lives: 1, ends: ['power'], firstCut })
    const whole = world(0, Number.MAX_SAFE_INTEGER)
    await whole.run()
    expect(whole.boundariesOfFirstLife).toBeGreaterThan(80)
    for (let cut = 1; cut <= whole.boundariesOfFirstLife; cut += 1) await world(cut, cut).run()
  })
})
