/** The catalogue and its topics on a disk that forgets what was not synced. */
import { describe, expect, test } from 'vitest'
import { seeds } from './support/runs.ts'
import { TopicsWorld } from './support/topicsWorld.ts'

describe('topics', () => {
  test('are there or gone as acknowledged, after crashes of any kind at any boundary', async () => {
    for (const seed of seeds(0.2, 400_000)) {
      await new TopicsWorld({ seed, lives: 3, ends: ['power', 'power', 'process', 'clean'] }).run()
    }
  })

  test('survive a power loss at every single boundary of one life', async () => {
    const world = (fate: number, firstCut: number): TopicsWorld =>
      new TopicsWorld({ seed: 3, fate, lives: 1, ends: ['power'], firstCut })
    const whole = world(0, Number.MAX_SAFE_INTEGER)
    await whole.run()
    expect(whole.boundariesOfFirstLife).toBeGreaterThan(80)
    for (let cut = 1; cut <= whole.boundariesOfFirstLife; cut += 1) await world(cut, cut).run()
  })
})
