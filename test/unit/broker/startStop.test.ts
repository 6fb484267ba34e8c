import { describe, expect, test } from 'vitest'
import { Broker } from '../../../src/broker/index.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { StateRunner } from '../../../src/state/index.ts'
import { Topics } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { ListMachine, listCodec } from '../../support/listMachine.ts'
import { baseSeed } from '../../support/random.ts'
import { stressStartStop } from '../../support/stressStartStop.ts'
import { StubEngine } from '../../support/stubEngine.ts'

/** A fresh clock and engine for each service, and what must be left of them: nothing. */
function bench() {
  let engine = new StubEngine()
  let clock = new FakeClock()
  return {
    fresh() {
      engine = engine.crash()
      clock = new FakeClock()
      return { engine, platform: { clock, random: () => 0, logger: silentLogger } }
    },
    check() {
      expect([engine.openLogs.size, clock.pendingTimers]).toEqual([0, 0])
    },
  }
}

describe('starting and stopping in any order', () => {
  test('leaves nothing open of a StateRunner', async () => {
    const { fresh, check } = bench()
    const make = () =>
      new StateRunner({
        name: 'list',
        machine: new ListMachine(),
        codec: listCodec,
        ...fresh(),
      })
    await stressStartStop(make, check, baseSeed())
  })

  test('leaves nothing open of Topics', async () => {
    const { fresh, check } = bench()
    const first = new Topics(fresh())
    await first.start()
    await first.create({ name: 't' })
    await first.stop()
    await stressStartStop(() => new Topics(fresh()), check, baseSeed())
  })

  test('leaves nothing open of a Broker', async () => {
    const { fresh, check } = bench()
    await stressStartStop(() => new Broker(fresh()), check, baseSeed())
  })
})
