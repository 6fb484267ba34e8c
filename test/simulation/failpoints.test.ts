/** The power goes exactly where dying was marked as interesting: at each of the places, without exception. */
import { describe, expect, test } from 'vitest'
import { armFailpoint, FAILPOINTS, type Failpoint } from '../../src/kernel/failpoint.ts'
import type { SimulatedDisk } from '../support/simulatedDisk.ts'
import { DelaysWorld } from './support/delaysWorld.ts'
import { MachineWorld } from './support/machineWorld.ts'
import { atLeast, seeds } from './support/runs.ts'
import { TopicsWorld } from './support/topicsWorld.ts'
import { World } from './support/world.ts'

interface Setup {
  readonly seed: number
  readonly lives: number
  readonly ends: readonly ['clean']
  readonly disturb: (disk: SimulatedDisk) => () => void
}

const logs = (setup: Setup) => new World({ ...setup, logs: 2 }).run()
const machines = (setup: Setup) => new MachineWorld(setup).run()
const topics = (setup: Setup) => new TopicsWorld(setup).run()
const delays = (setup: Setup) => new DelaysWorld(setup).run()

/** Who passes each of them. The type holds the table to the whole list. */
const PASSED_BY: Readonly<Record<Failpoint, (setup: Setup) => Promise<void>>> = {
  'segment.append.before-write': logs,
  'segment.append.after-write': logs,
  'segment.append.before-sync': logs,
  'segment.roll.before-seal': logs,
  'segment.roll.after-create': logs,
  'segment.retain.before-unlink': logs,
  'journal.append.before-write': machines,
  'snapshot.before-rename': machines,
  'snapshot.after-rename': machines,
  'topic.create.after-journal': topics,
  'topic.delete.after-journal': topics,
  'topic.delete.half-removed': topics,
  'delay.schedule.after-append': delays,
  'delay.fire.before-append': delays,
  'delay.fire.after-append': delays,
  'delay.change.before-append': delays,
  'delay.change.after-append': delays,
  'delay.index.before-manifest': delays,
}

/** Runs worlds whose every life ends at `name`, at one passage or another; returns how many did. */
async function deathsAt(name: Failpoint): Promise<number> {
  let deaths = 0
  for (const seed of seeds(0.03, 900_000)) {
    const disturb = (disk: SimulatedDisk) => {
      let passages = 0
      return armFailpoint(name, () => {
        passages += 1
        if (passages !== 1 + (seed % 3)) return
        deaths += 1
        if (seed % 2 === 0) disk.powerLoss()
        else disk.processCrash()
      })
    }
    await PASSED_BY[name]({ seed, lives: 2, ends: ['clean'], disturb })
  }
  return deaths
}

describe('failpoint', () => {
  test.each(FAILPOINTS)('%s: dying there breaks no promise', async (name) => {
    expect(await deathsAt(name)).toBeGreaterThanOrEqual(atLeast(3))
  })
})
