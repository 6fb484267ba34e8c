/**
 * The log engine on a disk that forgets what was not synced. What must hold is in support/properties.ts; each run
 * comes from one seed, which a failure names.
 */
import { describe, expect, test } from 'vitest'
import { seeds } from './support/runs.ts'
import { World } from './support/world.ts'

describe('logs', () => {
  test('hold what they promised after power losses at any boundary, also while they recover', async () => {
    for (const seed of seeds(0.6, 0)) {
      await new World({ seed, lives: 2, logs: 2, ends: ['power', 'power', 'power', 'clean'] }).run()
    }
  })

  test('hold what was written after crashes of the process', async () => {
    for (const seed of seeds(0.2, 100_000)) {
      await new World({ seed, lives: 2, logs: 2, ends: ['process', 'process', 'clean'] }).run()
    }
  })

  test('hold both where crashes of both kinds follow each other', async () => {
    for (const seed of seeds(0.2, 200_000)) {
      await new World({ seed, lives: 3, logs: 1, ends: ['power', 'process', 'clean'] }).run()
    }
  })

  test('have each record in its lane, whatever was lost of the files that say so', async () => {
    for (const seed of seeds(0.15, 300_000)) {
      const ends = ['power', 'power', 'process', 'clean'] as const
      await new World({ seed, lives: 2, logs: 2, mixed: true, ends }).run()
    }
  })

  test('survive a power loss at every single boundary of one life', async () => {
    const world = (fate: number, firstCut: number): World =>
      new World({ seed: 11, fate, lives: 1, logs: 2, steps: 40, ends: ['power'], firstCut })
    const whole = world(0, Number.MAX_SAFE_INTEGER)
    await whole.run()
    const boundaries = whole.boundariesOfFirstLife
    expect(boundaries).toBeGreaterThan(100)
    for (let cut = 1; cut <= boundaries; cut += 1) await world(cut, cut).run()
  })
})
