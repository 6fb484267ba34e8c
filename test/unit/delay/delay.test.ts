import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { DAY_MS } from '../../../src/kernel/units.ts'
import { memoryEngine } from '../../../src/log/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { StubEngine } from '../../support/stubEngine.ts'
import { turn } from '../../support/topicsWorld.ts'
import { House } from './house.ts'

const TOPIC_LOG = 'topics/t~1/0'
const DELAY_LOG = 'delay/t~1/0'

async function onStub(settings = {}) {
  const clock = new FakeClock()
  const engine = new StubEngine(undefined, () => clock.nowMs())
  const house = await House.open({ engine, clock, settings })
  return { engine, clock, house }
}

async function onMemory(settings = {}) {
  const clock = new FakeClock()
  const engine = memoryEngine({ clock, random: () => 0, logger: silentLogger })
  return await House.open({ engine, clock, settings })
}

describe('a list', () => {
  test('has keys, and reads nothing where there are none, also after a restart', async () => {
    const { house, engine } = await onStub()
    const message = (key: string | undefined, ms: number) => ({
      ...{ key, value: 'v', dueMs: house.nowMs + ms, partition: 0 },
    })
    await house.publish(message('a', 60_000), message(undefined, 60_001), message('c', 60_002))
    await house.publish(message(undefined, 90_000), message('', 90_001))
    const fromMs = house.nowMs + 90_000
    const keys = async (from: House, query: { fromMs?: number; toMs?: number }) => {
      const { messages } = await from.delay.list('t', { limit: 10, ...query })
      return messages.map(({ key }) => key?.toString())
    }
    const check = async (from: House, disk: StubEngine) => {
      expect(await keys(from, { toMs: fromMs })).toEqual(['a', undefined, 'c'])
      let reads = 0
      disk.before = (operation) => {
        if (operation === 'read') reads += 1
      }
      expect(await keys(from, { fromMs })).toEqual([undefined, undefined])
      expect(reads).toBe(0)
      expect(await keys(from, {})).toEqual(['a', undefined, 'c', undefined, undefined])
      expect(reads).toBeGreaterThan(0)
      disk.before = () => undefined
    }
    await check(house, engine)
    const crashed = engine.powerLoss()
    const replayed = await house.again(crashed)
    await check(replayed, crashed)
    await replayed.stop()
    await check(await replayed.again(), crashed)
  })
})

describe('what is due', () => {
  test('while the broker is down comes at the start, by its times', async () => {
    const house = await onMemory()
    await house.schedule(500, 100, 300, 90_000)
    await house.stop()
    house.clock.advance(1000)
    const next = await house.again()
    await next.settle()
    expect(await next.values()).toEqual(['100', '300', '500'])
    expect(await next.waiting()).toEqual([3])
  })

  test('days ahead, beyond any timer, comes when the clock gets there', async () => {
    const house = await onMemory()
    await house.schedule(40 * DAY_MS, 3 * DAY_MS, 700_000)
    house.clock.stepWallTo(house.nowMs + 3 * DAY_MS)
    await house.pass(1500)
    await house.pass(0)
    expect(await house.values()).toEqual(['700000', `${3 * DAY_MS}`])
    house.clock.stepWallTo(house.nowMs + 37 * DAY_MS)
    await house.pass(2000)
    await house.pass(0)
    expect(await house.values()).toHaveLength(3)
  })

  test('is not after all where the clock is set back', async () => {
    const house = await onMemory()
    await house.schedule(1000)
    house.clock.stepWallTo(house.nowMs - 5000)
    await house.pass(1500)
    expect(await house.values()).toEqual([])
    await house.pass(5000)
    expect(await house.values()).toEqual(['1000'])
  })

  test('by the thousand at one instant comes by and by, each once', async () => {
    const house = await onMemory()
    const count = 5000
    const dueMs = house.nowMs + 50
    await house.publish(...Array.from({ length: count }, (_, i) => ({ value: `${i}`, dueMs })))
    for (let i = 0; i < 20; i += 1) await house.pass(i === 0 ? 50 : 0)
    const values = await house.values()
    expect(new Set(values).size).toBe(count)
    expect(values).toHaveLength(count)
  })

  test('waits while the disk is full, and comes once when there is room', async () => {
    const { house, engine } = await onStub()
    await house.schedule(100, 200)
    let refusals = 0
    engine.before = (operation, path) => {
      if (operation !== 'append' || path !== TOPIC_LOG) return
      refusals += 1
      throw new BrokerError('DISK_FULL', 'no room')
    }
    for (let i = 0; i < 10; i += 1) await house.pass(500)
    expect(refusals).toBeGreaterThan(2)
    expect(refusals).toBeLessThan(12)
    expect(house.logged.map(({ message }) => message)).toContain(
      'delayed messages are not delivered yet',
    )
    expect(await house.waiting()).toEqual([0, 1])
    engine.before = () => undefined
    await house.pass(5000)
    await house.pass(0)
    expect(await house.values()).toEqual(['100', '200'])
  })

  test('is looked for before it is appended again where nobody knows what became of it', async () => {
    const { house, engine } = await onStub()
    await house.schedule(100)
    engine.after = (operation, path) => {
      if (operation !== 'append' || path !== TOPIC_LOG) return
      engine.after = () => undefined
      throw new BrokerError('OUTCOME_UNKNOWN', 'perhaps')
    }
    await house.pass(100)
    expect(await house.state(0)).toBe('pending')
    await house.pass(1000)
    await house.pass(0)
    expect(await house.state(0)).toBe('delivered')
    expect(await house.values()).toEqual(['100'])
  })

  test('and cannot be read any more is given up, counted and logged', async () => {
    const { house, engine } = await onStub()
    await house.schedule(100, 200)
    const [batch] = engine.disk.logs.get(DELAY_LOG)?.batches ?? []
    // A byte of the first message's value.
    if (batch !== undefined) batch.bytes[(batch.ends[0] ?? 1) - 1] = 0
    await house.pass(300)
    expect(await house.values()).toEqual(['200'])
    expect(await house.state(0)).toBe('expired')
    expect(house.delay.stats()).toMatchObject({ pending: 0, delivered: 1, expired: 1 })
    expect(house.logged.at(-1)?.message).toBe('a delayed message cannot be read and is given up')
    await house.stop()
    expect(await (await house.again()).state(0)).toBe('expired')
  })
})

describe('a timer', () => {
  test('ticks while something waits, and not any more when nothing does', async () => {
    const house = await onMemory()
    const before = house.clock.pendingTimers
    await house.schedule(40 * DAY_MS, 100)
    await house.pass(3000)
    // The mark of the delivery is written half a second after it.
    await house.pass(1000)
    expect(house.clock.pendingTimers).toBe(before + 1)
    await house.delay.cancel('t', { partition: 0, offset: 0 })
    await house.pass(3000)
    expect(house.clock.pendingTimers).toBe(before)
    await house.schedule(20 * DAY_MS)
    house.clock.stepWallTo(house.nowMs + 20 * DAY_MS)
    await house.pass(1500)
    await house.pass(0)
    expect(await house.values()).toEqual(['100', `${20 * DAY_MS}`])
  })
})

describe('a change', () => {
  test('whose record is refused leaves the message as it was', async () => {
    const { house, engine } = await onStub()
    await house.schedule(1000)
    engine.before = (operation, path) => {
      if (operation === 'append' && path === DELAY_LOG)
        throw new BrokerError('DISK_FULL', 'no room')
    }
    const place = { partition: 0, offset: 0 }
    await expect(house.delay.cancel('t', place)).rejects.toMatchObject({ code: 'DISK_FULL' })
    await expect(house.delay.reschedule('t', place, house.nowMs + 9000)).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
    engine.before = () => undefined
    await house.pass(1000)
    expect(await house.values()).toEqual(['1000'])
  })

  test('holds the message while it is on its way, and another waits for it', async () => {
    const { house, engine } = await onStub()
    await house.schedule(1000)
    let release = (): void => undefined
    engine.before = (operation, path) => {
      if (operation !== 'append' || path !== DELAY_LOG) return
      engine.before = () => undefined
      return new Promise<void>((resolve) => {
        release = resolve
      })
    }
    const place = { partition: 0, offset: 0 }
    const cancels = [house.delay.cancel('t', place), house.delay.cancel('t', place)]
    const late = house.delay.reschedule('t', place, house.nowMs + 9000)
    const refused = expect(late).rejects.toMatchObject({ code: 'ALREADY_DELIVERED' })
    await house.pass(2000)
    expect(await house.values()).toEqual([])
    release()
    await Promise.all(cancels)
    await refused
    await house.pass(20_000)
    expect(await house.values()).toEqual([])
    expect(house.delay.stats()).toMatchObject({ pending: 0, cancelled: 1 })
  })

  test('of a message that is being delivered is too late', async () => {
    const { house, engine } = await onStub()
    await house.schedule(100)
    let release = (): void => undefined
    engine.before = (operation, path) => {
      if (operation !== 'append' || path !== TOPIC_LOG) return
      return new Promise<void>((resolve) => {
        release = resolve
      })
    }
    await house.pass(100)
    const cancel = house.delay.cancel('t', { partition: 0, offset: 0 })
    await expect(cancel).rejects.toMatchObject({ code: 'ALREADY_DELIVERED' })
    release()
    await house.settle()
    expect(await house.values()).toEqual(['100'])
  })
})

describe('delayed messages', () => {
  test('beyond the limit are refused, and nothing of the request is written', async () => {
    const house = await onMemory({ pendingMax: 2 })
    await house.schedule(100, 200)
    const dueMs = house.nowMs + 1000
    const refused = house.publish({ value: 'now' }, { value: 'later', dueMs })
    await expect(refused).rejects.toMatchObject({ code: 'LIMIT_REACHED', retryAfterMs: 1000 })
    expect(await house.values()).toEqual([])
    await house.pass(100)
    await house.schedule(300)
    expect(await house.waiting()).toEqual([1, 2])
  })

  test('are let go of, in memory and on the disk, when all around them are final', async () => {
    const house = await onMemory({ segmentBytes: 2048, checkpointChanges: 10 })
    for (let i = 0; i < 200; i += 1) await house.schedule(10)
    await house.pass(20)
    await house.pass(6000)
    await house.schedule(10)
    await house.pass(6000)
    await house.settle()
    await house.stop()
    const next = await house.again()
    expect(next.delay.stats()).toMatchObject({ pending: 0, delivered: 201 })
    await expect(next.delay.get('t', 0, 0)).resolves.toMatchObject({ state: 'delivered' })
    await next.stop()
    const reopened = await house.engine.open(DELAY_LOG, { segmentBytes: 2048 })
    expect(reopened.offsets().start).toBeGreaterThan(100)
  })

  test('of a topic whose deletion a crash cut short are removed at the next start', async () => {
    const { house, engine } = await onStub()
    await house.schedule(1000)
    engine.before = (operation, path) =>
      operation === 'remove' && path.startsWith('delay/') ? new Promise(() => undefined) : undefined
    await house.topics.delete('t')
    await turn()
    const next = await house.again(engine.crash())
    expect(await next.engine.list('delay')).toEqual([])
    await next.schedule(500)
    await next.pass(2000)
    expect(await next.values()).toEqual(['500'])
  })

  test('whose log will not open leave the rest of the broker alone', async () => {
    const { house, engine } = await onStub()
    await house.schedule(1000)
    await house.stop()
    engine.before = (operation, path) => {
      if (operation === 'open' && path === DELAY_LOG) throw new BrokerError('LOG_CORRUPT', 'at 7')
    }
    const next = await house.again()
    expect(next.delay.health()).toMatchObject({
      ...{ status: 'warn', message: expect.stringContaining('t-0: at 7') },
    })
    const later = next.publish({ value: 'x', dueMs: next.nowMs + 1 })
    await expect(later).rejects.toMatchObject({ code: 'PARTITION_UNAVAILABLE' })
    await next.publish({ value: 'y' })
    expect(await next.values()).toEqual(['y'])
  })
})
