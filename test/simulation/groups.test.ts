/** Consumer groups with their journal on a disk that forgets what was not synced. */
import { describe, expect, test } from 'vitest'
import { GroupsWorld } from './support/groupsWorld.ts'
import { seeds } from './support/runs.ts'

describe('groups', () => {
  test('are as they were after one of their changes, with all that was acknowledged, after crashes of any kind', async () => {
    for (const seed of seeds(0.12, 700_000)) {
      await new GroupsWorld({
        seed,
        lives: 4,
        ends: ['power', 'process', 'process', 'clean'],
      }).run()
    }
  })

  test('survive a power loss at every single boundary of one life', async () => {
    const world = (fate: number, firstCut: number): GroupsWorld =>
      new GroupsWorld({ seed: 11, fate, lives: 1, ends: ['power'], firstCut })
    const whole = world(0, Number.MAX_SAFE_INTEGER)
    await whole.run()
    expect(whole.boundariesOfFirstLife).toBeGreaterThan(40)
    for (let cut = 1; cut <= whole.boundariesOfFirstLife; cut += 1) await world(cut, cut).run()
  })
})
