/** What happens to a disk, on a simulated one: the power goes, syncs fail, there is no room. */
import { pause } from '../clients/http.ts'
import type { Fault, Target } from './fault.ts'

/** Operations on the disk within which the power goes: in the midst of something. */
const BOUNDARIES_MAX = 40

async function back({ relay, revive }: Target): Promise<void> {
  relay.target = undefined
  relay.cut()
  await revive()
}

/** What was not synced may be gone. Delayed messages, cancels and dead letters were. */
export const power: Fault = {
  name: 'power',
  on: 'simulated',
  loses: ['none', 'leader', 'state'],
  restMs: [200, 1500],
  async strike(target) {
    await target.broker.play({ trick: 'powerLoss', withinBoundaries: BOUNDARIES_MAX })
    await back(target)
  },
}

/** A failed sync may drop what it was to write; what was fenced for it serves again after a restart. */
export const fsync: Fault = {
  name: 'fsync',
  on: 'simulated',
  loses: ['none', 'leader', 'state'],
  restMs: [500, 1500],
  async strike(target) {
    const { broker, random } = target
    await broker.play({ trick: 'failSyncs', times: random.between(1, 3) })
    await pause(random.between(100, 1000))
    await broker.signal('SIGKILL')
    // On a disk whose syncs fail it does not start, as it should.
    await broker.play({ trick: 'failSyncs', times: 0 })
    await back(target)
  },
}

/** Where the broker has stopped a part of itself for it, a restart brings that back. */
export const full: Fault = {
  name: 'full',
  on: 'simulated',
  loses: ['none'],
  restMs: [500, 1500],
  async strike(target) {
    const { broker, random } = target
    await broker.play({ trick: 'room', bytes: random.int(20_000) })
    await pause(random.between(200, 1200))
    await broker.play({ trick: 'room' })
    if (random.chance(0.3)) {
      await broker.signal('SIGKILL')
      await back(target)
    }
  },
  async heal(target) {
    await target.broker.play({ trick: 'room' })
    await target.broker.signal('SIGKILL')
    await back(target)
  },
}
