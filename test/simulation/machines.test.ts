/** State machines with their journals and snapshots on a disk that forgets what was not synced. */
import { describe, expect, test } from 'vitest'
import { MachineWorld } from './support/machineWorld.ts'
import { seeds } from './support/runs.ts'

describe('state machines', () => {
  test('hold what they acknowledged after crashes of any kind at any boundary', async () => {
    for (const seed of seeds(0.25, 300_000)) {
      await new MachineWorld({ seed, lives: 3, ends: ['power', 'power', 'process', 'clean'] }).run()
    }
  })

  test('survive a power loss at every single boundary of one life', async () => {
    const world = (fate: number, firstCut: number): MachineWorld =>
      new MachineWorld({ seed: 5, fate, lives: 1, ends: ['power'], firstCut })
    const whole = world(0, Number.MAX_SAFE_INTEGER)
    await whole.run()
    expect(whole.boundariesOfFirstLife).toBeGreaterThan(60)
    for (let cut = 1; cut <= whole.boundariesOfFirstLife; cut += 1) await world(cut, cut).run()
  })
})
