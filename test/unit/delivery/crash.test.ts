/** What a crash at the worst moment leaves: nothing twice, nothing lost. */
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { batchOf } from '../../../src/record/index.ts'
import { afterPowerLoss, house, restarted, soon, values } from './house.ts'

describe('a restart in the middle of leases', () => {
  test('hands nothing out twice, and receipts stay good', async () => {
    const home = await house(2)
    await home.join('a')
    for (const partition of [0, 1]) await home.publish('t', partition, ...'abc')
    const held = await home.poll()
    expect(held).toHaveLength(6)
    await home.say('ack', held.slice(0, 2))
    const next = await restarted(home)
    expect(await next.poll()).toEqual([])
    expect(await next.say('ack', held.slice(0, 4))).toEqual(Array(4).fill('done'))
    next.clock.advance(32_000)
    expect((await next.poll()).map(({ deliveries }) => deliveries)).toEqual([2, 2])
  })

  test('counts who never came back as dead', async () => {
    const home = await house()
    await home.join('a', { sessionTimeoutMs: 10_000 })
    await home.publish('t', 0, 'x')
    await home.poll({ visibilityMs: 600_000 })
    const next = await restarted(home)
    next.clock.advance(10_001)
    await next.join('b')
    next.clock.advance(2_000)
    expect(await next.poll({ memberId: 'b' })).toMatchObject([{ value: 'x', deliveries: 2 }])
  })
})

test('who was evicted in the very moment of a crash has died for the next life too', async () => {
  const home = await house()
  await home.join('a', { sessionTimeoutMs: 10_000 })
  await home.publish('t', 0, 'x')
  await home.poll({ visibilityMs: 600_000 })
  let next: ReturnType<typeof restarted> | undefined
  home.engine.after = (operation, path) => {
    if (operation === 'append' && path.includes('groups')) next ??= restarted(home)
  }
  home.clock.advance(10_001)
  await soon(() => next !== undefined)
  const home2 = await next
  expect(home2?.groups.get('g').members.size).toBe(0)
  expect(home2?.delivery.figures()).toMatchObject({ deaths: 1, inFlight: 0, waiting: 1 })
})

test('a list that comes while a dead letter is being written waits for it', async () => {
  const home = await house()
  await home.join('a')
  await home.publish('t', 0, 'x')
  let writeIt = (): void => undefined
  const written = new Promise<void>((resolve) => {
    writeIt = resolve
  })
  home.engine.before = (operation, path) =>
    operation === 'append' && path.includes('t.dlq') ? written : undefined
  await home.say('reject', await home.poll())
  const listed = home.delivery.redrives.list('t', { limit: 10, filter: {}, positions: undefined })
  writeIt()
  expect((await listed).letters).toHaveLength(1)
})

test('dead letters of which the first was read last are written once each', async () => {
  const home = await house()
  await home.join('a')
  await home.publish('t', 0, ...'uvwxyz')
  const held = await home.poll()
  let reads = 0
  let go = (): void => undefined
  const late = new Promise<void>((resolve) => {
    go = resolve
  })
  home.engine.before = (operation, path) => {
    if (operation !== 'read' || !path.includes('topics/t~')) return undefined
    reads += 1
    return reads === 1 ? late : undefined
  }
  await home.say('reject', held)
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
  go()
  await soon(() => home.delivery.figures().dying === 0)
  expect(home.topics.get('t.dlq').view().partitions[0]?.latest).toBe(6)
})

describe('a crash around a dead letter', () => {
  test.each(['append', 'sync'] as const)('after its %s leaves one copy', async (operation) => {
    const home = await house()
    await home.join('a')
    await home.publish('t', 0, 'x', 'y', 'z')
    const held = await home.poll()
    let next: ReturnType<typeof restarted> | undefined
    home.engine.after = (done, path) => {
      if (done !== operation || !path.includes('t.dlq') || next !== undefined) return
      next = restarted(home)
    }
    void home.say('reject', held).catch(() => undefined)
    await soon(() => next !== undefined)
    const home2 = await next
    if (home2 === undefined) throw new Error('it did not restart')
    await soon(() => home2.delivery.figures().buried === 3)
    const letters = await home2.stored('t.dlq')
    expect(letters.map(({ value }) => `${value}`)).toEqual(['x', 'y', 'z'])
    expect(home2.lag).toBe(0)
  })

  test.each([1, 2, 5, 6, 9])('by a power cut after letter %i leaves one of each', async (nth) => {
    const home = await house()
    await home.join('a')
    await home.publish('t', 0, ...'abcdefghij')
    await home.topics
      .get('t')
      .partition(0)
      .append(batchOf({ value: 'k' }), 'all')
    const held = await home.poll()
    await home.delivery.setPolicy('group', 'g', { maxRetries: 0 })
    await home.engine.openLogs.get('state/groups/journal')?.sync()
    let letters = 0
    let next: ReturnType<typeof restarted> | undefined
    home.engine.after = (operation, path) => {
      if (operation !== 'sync' || !path.includes('t.dlq') || next !== undefined) return
      letters += 1
      if (letters === nth) next = afterPowerLoss(home)
    }
    for (const each of held) void home.say('nack', [each]).catch(() => undefined)
    await soon(() => next !== undefined)
    const home2 = await next
    if (home2 === undefined) throw new Error('it did not restart')
    home2.clock.advance(40_000)
    for (let round = 0; home2.lag > 0 && round < 50; round += 1) {
      home2.clock.advance(2_000)
      await home2.say('reject', await home2.poll().catch(() => []))
      await soon(() => home2.delivery.figures().dying === 0)
    }
    const stored = await home2.stored('t.dlq')
    expect(
      stored
        .map(({ value }) => `${value}`)
        .sort()
        .join(''),
    ).toBe('abcdefghijk')
  })

  test('before it leaves the record dying, and the next life sees to it', async () => {
    const home = await house()
    await home.join('a')
    await home.publish('t', 0, 'x')
    home.engine.before = (operation, path) => {
      if (operation === 'append' && path.includes('t.dlq')) throw new Error('no disk')
    }
    await home.say('reject', await home.poll())
    const next = await restarted(home)
    await soon(() => next.delivery.figures().buried === 1)
    expect((await next.stored('t.dlq')).map(({ value }) => `${value}`)).toEqual(['x'])
  })

  test('what the disk refuses is tried again', async () => {
    const home = await house()
    await home.join('a')
    await home.publish('t', 0, 'x')
    let isBroken = true
    home.engine.before = (operation, path) => {
      if (isBroken && operation === 'append' && path.includes('t.dlq')) throw new Error('no disk')
    }
    await home.say('reject', await home.poll())
    await soon(() => home.topics.find('t.dlq') !== undefined)
    isBroken = false
    home.clock.advance(1_000)
    await soon(() => home.delivery.figures().buried === 1)
    expect(home.lag).toBe(0)
  })
})

describe('a crash in the middle of a redrive', () => {
  test.each([1, 2, 3, 5, 8])(
    'after its append number %i brings nothing back twice',
    async (nth) => {
      const home = await house()
      await home.join('a')
      await home.publish('t', 0, ...'abcdefghij')
      await home.say('reject', await home.poll())
      await soon(() => home.delivery.figures().buried === 10)
      let appends = 0
      let next: ReturnType<typeof restarted> | undefined
      home.engine.after = (operation, path) => {
        if (operation !== 'append' || !path.includes('/t~')) return
        appends += 1
        if (appends === nth) next = restarted(home)
      }
      const request = { topic: 't', filter: {}, rate: 10_000, dryRun: false }
      void home.delivery.redrives.redrive(request).catch(() => undefined)
      await soon(() => {
        home.clock.advance(1)
        return next !== undefined
      })
      const home2 = await next
      if (home2 === undefined) throw new Error('it did not restart')
      await soon(() => {
        home2.clock.advance(1)
        return home2.delivery.redrives.tasks('t')[0]?.state === 'completed'
      })
      expect(home2.delivery.redrives.tasks('t')).toMatchObject([{ redriven: 10, matched: 10 }])
      expect(values(await home2.poll())).toBe('abcdefghij')
      expect((await home2.stored('t')).length).toBe(20)
      expect(home2.delivery.redrives.figures()).toEqual({ deadLetters: 0, redriven: 10 })
    },
  )
})

test('a redrive whose disk is full waits and goes on, and brings nothing back twice', async () => {
  const home = await house()
  await home.join('a')
  await home.publish('t', 0, ...'abcdefgh')
  await home.say('reject', await home.poll())
  await soon(() => home.delivery.figures().buried === 8)
  let appends = 0
  home.engine.before = (operation, path) => {
    if (operation !== 'append' || !path.includes('/t~')) return
    appends += 1
    if (appends === 6) throw new BrokerError('DISK_FULL', 'no room')
  }
  const request = { topic: 't', filter: {}, rate: 10_000, dryRun: false }
  const { id } = await home.delivery.redrives.redrive(request)
  await soon(() => {
    home.clock.advance(100)
    return home.delivery.redrives.task('t', id).state !== 'running'
  })
  expect(home.delivery.redrives.task('t', id)).toMatchObject({ state: 'completed', redriven: 8 })
  expect(values(await home.poll())).toBe('abcdefgh')
})
