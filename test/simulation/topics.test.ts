/** The catalogue and its topics on a disk that forgets what was not synced. */
import { describe, expect, test } from 'vitest'
import type { SimulatedDisk } from '../support/simulatedDisk.ts'
import { seeds } from './support/runs.ts'
import { TopicsWorld } from './support/topicsWorld.ts'

describe('topics', () => {
  test('are there or gone as acknowledged, after crashes of any kind at any boundary', async () => {
    for (const seed of seeds(0.2, 400_000)) {
      await new TopicsWorld({ seed, lives: 3, ends: ['power', 'power', 'process', 'clean'] }).run()
    }
  })

  test('made again are empty, also where the files of the old ones would not go', async () => {
    const disturb = (disk: SimulatedDisk) => {
      const files = { operation: 'remove', path: /topics\/.*\.log$/ } as const
      const fault = disk.fail({ ...files, code: 'EIO', times: Number.POSITIVE_INFINITY })
      return () => fault.clear()
    }
    for (const seed of seeds(0.05, 950_000)) {
      await new TopicsWorld({ seed, lives: 2, ends: ['power', 'clean'], disturb }).run()
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
