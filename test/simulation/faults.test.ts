/**
 * A disk that fails: what was refused must leave nothing behind, what was acknowledged must outlast it, and the
 * logs must go on when the disk is well again.
 */
import { describe, expect, test } from 'vitest'
import type { SeededRandom } from '../support/random.ts'
import type { Fault, SimulatedDisk } from '../support/simulatedDisk.ts'
import { atLeast, seeds } from './support/runs.ts'
import { World, type WorldOptions } from './support/world.ts'

type Faults = NonNullable<WorldOptions['faults']>

/** Runs worlds of all seeds; returns how often clients were refused in all of them. */
async function refusals(share: number, salt: number, faults: Faults): Promise<number> {
  let count = 0
  for (const seed of seeds(share, salt)) {
    const ends = ['clean', 'process', 'power'] as const
    const world = new World({ seed, lives: 2, logs: 2, ends, faults })
    await world.run()
    count += world.refusals
  }
  return count
}

const plan =
  (draw: (random: SeededRandom) => Fault): Faults =>
  (disk, random) => {
    const faults = Array.from({ length: random.between(1, 3) }, () => disk.fail(draw(random)))
    return () => {
      for (const fault of faults) fault.clear()
    }
  }

function fullDisk(disk: SimulatedDisk, random: SeededRandom): () => void {
  disk.capacityBytes = disk.usedBytes + random.int(6000)
  return () => {
    disk.capacityBytes = Number.POSITIVE_INFINITY
  }
}

function fewFiles(disk: SimulatedDisk, random: SeededRandom): () => void {
  disk.openFilesMax = disk.openFiles + random.int(3)
  return () => {
    disk.openFilesMax = Number.POSITIVE_INFINITY
  }
}

describe('failing disk', () => {
  test('full: nothing half-written is seen, and writing goes on when there is room', async () => {
    expect(await refusals(0.1, 500_000, fullDisk)).toBeGreaterThanOrEqual(atLeast(50))
  })

  test('no more file descriptors: refused, and writing goes on when there are', async () => {
    expect(await refusals(0.1, 600_000, fewFiles)).toBeGreaterThanOrEqual(atLeast(10))
  })

  test('failing syncs: nothing acknowledged as on disk is lost, though dirty pages were dropped', async () => {
    const eio = plan((random) => ({ operation: 'datasync', code: 'EIO', after: random.int(6) }))
    expect(await refusals(0.15, 700_000, eio)).toBeGreaterThanOrEqual(atLeast(50))
  })

  test('any operation failing at any time: the promises hold', async () => {
    const any = plan((random) => ({
      operation: random.pick([
        ...(['write', 'write', 'datasync', 'truncate', 'syncDirectory'] as const),
        ...(['open', 'rename', 'remove', 'read', 'size', 'makeDirectory'] as const),
      ]),
      code: random.pick(['EIO', 'ENOSPC', 'EMFILE']),
      after: random.int(10),
      times: random.between(1, 3),
    }))
    expect(await refusals(0.2, 800_000, any)).toBeGreaterThanOrEqual(atLeast(50))
  })
})
