import { describe, expect, test } from 'vitest'
import { partitionNames } from '../../../src/groups/assignors.ts'
import { DAY_MS } from '../../../src/kernel/units.ts'
import { GroupsHouse, type ServiceOptions } from './service.ts'

async function setup(options: ServiceOptions = {}): Promise<GroupsHouse> {
  const house = await GroupsHouse.open(options)
  await house.topic('t', 4)
  return house
}

const rejection = (code: string) => expect.objectContaining({ code })

describe('join', () => {
  test('names the member after its client', async () => {
    const { groups } = await setup()
    const joined = await groups.join({ group: 'g', clientId: 'worker', topics: ['t'] })
    expect(joined.memberId).toMatch(/^worker-[0-9a-f]{16}$/)
    expect(joined).toMatchObject({ generation: 1, state: 'stable', isLeader: true })
  })

  test('tells the newest generation where others join at the same time', async () => {
    const house = await setup()
    const joined = await Promise.all(['a', 'b', 'c'].map((id) => house.join(id, ['t'])))
    expect(joined.map(({ generation }) => generation)).toEqual([3, 3, 3])
    expect(joined.map(({ partitions }) => partitions)).toEqual(['t-0 t-1', 't-2', 't-3'])
    expect(house.groups.describe('g').state).toBe('stable')
  })

  test('names the topics that do not exist, and assigns them once they do', async () => {
    const house = await setup()
    expect(await house.join('a', ['t', 'later'])).toMatchObject({ unknownTopics: ['later'] })
    await house.topic('later', 1)
    expect(await house.join('a', ['t', 'later'])).toMatchObject({
      generation: 2,
      unknownTopics: [],
      partitions: 'later-0 t-0 t-1 t-2 t-3',
    })
  })

  test.each([
    ['no client id', { clientId: '' }, 'INVALID_REQUEST'],
    ['a client id with a tab', { clientId: 'tab\there' }, 'INVALID_REQUEST'],
    ['too long a member id', { memberId: 'x'.repeat(300) }, 'INVALID_REQUEST'],
    ['too short a session', { sessionTimeoutMs: 999 }, 'INVALID_REQUEST'],
    ['too long a session', { sessionTimeoutMs: 1_800_001 }, 'INVALID_REQUEST'],
    ['no number of a session', { sessionTimeoutMs: Number.NaN }, 'INVALID_REQUEST'],
    ['no topics', { topics: [] }, 'INVALID_REQUEST'],
    ['101 topics', { topics: Array.from({ length: 101 }, (_, i) => `t${i}`) }, 'INVALID_REQUEST'],
    ['an internal topic', { topics: ['__internal'] }, 'INVALID_TOPIC_NAME'],
    ['a group that is no name', { group: '..' }, 'INVALID_REQUEST'],
  ])('is refused with %s', async (_, wrong, code) => {
    const { groups } = await setup()
    const request = { group: 'g', clientId: 'c', topics: ['t'], ...wrong }
    await expect(groups.join(request)).rejects.toEqual(rejection(code))
    expect(groups.names()).toEqual([])
  })
})

describe('state of a group', () => {
  test('is rebalancing until every member has shown to know the generation', async () => {
    const house = await setup()
    const { groups } = house
    await house.join('a', ['t'])
    await house.join('b', ['t'])
    expect(groups.describe('g').state).toBe('rebalancing')
    expect(() => groups.heartbeat('g', 'a', 1)).toThrow(rejection('STALE_GENERATION'))
    expect(groups.describe('g').state).toBe('rebalancing')
    expect(await house.join('a', ['t'])).toMatchObject({ generation: 2, state: 'stable' })
    await groups.leave('g', 'a')
    expect(groups.describe('g').state).toBe('rebalancing')
    expect(groups.heartbeat('g', 'b', 3)).toMatchObject({ state: 'stable' })
    await groups.leave('g', 'b')
    expect(groups.describe('g').state).toBe('empty')
  })
})

describe('silence', () => {
  test('of 30 seconds ends a membership, and its partitions go to the others', async () => {
    const house = await setup()
    await house.join('a', ['t'])
    await house.join('b', ['t'])
    for (let i = 0; i < 9; i += 1) {
      house.clock.advance(3_000)
      house.groups.heartbeat('g', 'b', 2)
    }
    house.clock.advance(3_000)
    const { members, generation } = house.groups.describe('g')
    expect(members.map(({ memberId }) => memberId)).toEqual(['b'])
    expect(generation).toBe(3)
    expect(house.groups.meters.evictions).toBe(1)
    expect(() => house.groups.heartbeat('g', 'a', 3)).toThrow(rejection('UNKNOWN_MEMBER'))
    expect(await house.join('a', ['t'])).toMatchObject({ generation: 4, partitions: 't-0 t-1' })
  })

  test('of all leaves no timer but that of the expiry', async () => {
    const house = await setup()
    const before = house.clock.pendingTimers
    await house.join('a', ['t'])
    house.clock.advance(30_000)
    expect(house.groups.describe('g').state).toBe('empty')
    expect(house.clock.pendingTimers).toBe(before + 1)
  })

  test('ends with a heartbeat of an old generation too: who is behind is not dead', async () => {
    const house = await setup()
    await house.join('a', ['t'])
    await house.join('b', ['t'])
    for (let i = 0; i < 20; i += 1) {
      house.clock.advance(3_000)
      expect(() => house.groups.heartbeat('g', 'a', 1)).toThrow(rejection('STALE_GENERATION'))
    }
    expect(house.groups.describe('g').members.map(({ memberId }) => memberId)).toEqual(['a'])
  })
})

describe('a journal that fails', () => {
  test('stops every change, and what goes on by itself complains once', async () => {
    const house = await setup()
    await house.join('a', ['t'])
    house.engine.before = (operation, path) => {
      if (operation === 'append' && path.startsWith('state/groups')) throw new Error('disk')
    }
    await expect(house.join('b', ['t'])).rejects.toEqual(rejection('STORAGE_ERROR'))
    house.clock.advance(60_000)
    await new Promise(setImmediate)
    expect(house.errors).toEqual(['members not evicted'])
    expect(house.groups.health()).toMatchObject({ name: 'groups', status: 'fail' })
    await expect(house.groups.leave('g', 'a')).rejects.toEqual(rejection('STORAGE_ERROR'))
  })
})

describe('a restart', () => {
  test('keeps members, generation and floors, and gives everybody one session to re-appear', async () => {
    const house = await setup()
    await house.join('a', ['t'], { mode: 'offset' })
    await house.join('b', ['t'])
    await house.publish('t', 0, ...'abcdefg')
    const floors = [{ topic: 't', partition: 0, offset: 7 }]
    await house.groups.commit({ group: 'g', memberId: 'a', generation: 2, floors })
    const next = await house.restartAfterCrash()
    const view = next.groups.describe('g')
    expect(view).toMatchObject({ generation: 2, mode: 'offset', state: 'rebalancing' })
    expect(view.topics.get('t')?.[0]).toMatchObject({ floor: 7 })
    next.clock.advance(29_000)
    expect([...(next.groups.heartbeat('g', 'a', 2).partitions.get('t') ?? [])]).toEqual([0, 1])
    next.clock.advance(1_000)
    expect(next.groups.describe('g').members.map(({ memberId }) => memberId)).toEqual(['a'])
  })

  test('on a log that lost its end to a power cut brings commits behind it back, and they stay there', async () => {
    const house = await setup()
    await house.join('a', ['t'], { mode: 'offset' })
    await house.publish('t', 0, ...'abc')
    await house.engine.openLogs.get('topics/t~1/0')?.sync()
    await house.publish('t', 0, ...'de')
    const floors = [{ topic: 't', partition: 0, offset: 5 }]
    await house.groups.commit({ group: 'g', memberId: 'a', floors, acks: 'all' })
    const next = await GroupsHouse.open({ engine: house.engine.powerLoss(), clock: house.clock })
    expect(next.groups.get('g').floor('t', 0)).toBe(3)
    expect(next.warnings).toMatchObject([{ group: 'g', ends: [{ partition: 0, offset: 3 }] }])
    await next.publish('t', 0, ...'xyz')
    await next.engine.openLogs.get('topics/t~1/0')?.sync()
    const last = await GroupsHouse.open({ engine: next.engine.powerLoss(), clock: house.clock })
    expect(last.groups.get('g').floor('t', 0)).toBe(3)
  })

  test('notices topics that changed while the groups did not look', async () => {
    const house = await setup()
    await house.topic('u', 1)
    await house.join('a', ['t', 'u'])
    const floors = [{ topic: 't', partition: 0, offset: 7 }]
    await house.groups.commit({ group: 'g', memberId: 'a', floors })
    await house.groups.stop()
    await house.topics.delete('t')
    await house.topic('t', 2)
    await house.topics.stop()
    const next = await GroupsHouse.open({ engine: house.engine, clock: house.clock })
    const view = next.groups.describe('g')
    expect(view.topics.get('t')?.map(({ floor }) => floor)).toEqual([undefined, undefined])
    const [a] = view.members
    expect(a && partitionNames(a.partitions)).toEqual(['t-0', 't-1', 'u-0'])
  })
})

describe('an empty group', () => {
  test('is kept for seven days after its last member left', async () => {
    const house = await setup()
    await house.join('a', ['t'])
    await house.groups.leave('g', 'a')
    house.clock.advance(7 * DAY_MS - 1)
    expect(house.groups.names()).toEqual(['g'])
    house.clock.advance(1_000)
    expect(house.groups.names()).toEqual([])
    expect(house.clock.firedTimers).toBeLessThan(20_000)
  })

  test('is kept while members come back in time', async () => {
    const house = await setup({ retentionMs: 10_000 })
    for (let i = 0; i < 5; i += 1) {
      await house.join('a', ['t'])
      await house.groups.leave('g', 'a')
      house.clock.advance(9_000)
    }
    expect(house.groups.names()).toEqual(['g'])
    house.clock.advance(1_000)
    expect(house.groups.names()).toEqual([])
  })

  test('expires after a restart as it would have without', async () => {
    const house = await setup({ retentionMs: 60_000 })
    await house.join('a', ['t'])
    await house.groups.leave('g', 'a')
    house.clock.advance(59_000)
    await house.stop()
    const { engine, clock } = house
    const next = await GroupsHouse.open({ engine, clock, retentionMs: 60_000 })
    expect(next.groups.names()).toEqual(['g'])
    clock.advance(1_000)
    expect(next.groups.names()).toEqual([])
  })

  test('can be deleted at once, one with members cannot', async () => {
    const house = await setup()
    await house.join('a', ['t'])
    await expect(house.groups.delete('g')).rejects.toEqual(rejection('GROUP_NOT_EMPTY'))
    await house.groups.leave('g', 'a')
    await house.groups.delete('g')
    expect(() => house.groups.describe('g')).toThrow(rejection('GROUP_NOT_FOUND'))
  })
})

describe('lag', () => {
  test('is what lies between the floor and the end, per partition', async () => {
    const house = await setup()
    await house.publish('t', 0, 'x', 'y', 'z')
    await house.publish('t', 1, 'x')
    await house.join('a', ['t'])
    const floors = [{ topic: 't', partition: 0, offset: 2 }]
    await house.groups.commit({ group: 'g', memberId: 'a', floors })
    const progress = house.groups.describe('g').topics.get('t')
    expect(progress?.map(({ lag }) => lag)).toEqual([1, 1, 0, 0])
  })
})

describe('reset', () => {
  const values = Array.from({ length: 10 }, (_, i) => `v${i}`)

  async function resettable() {
    const house = await setup()
    await house.publish('t', 0, ...values)
    house.clock.advance(1_000)
    await house.publish('t', 0, 'later')
    await house.join('a', ['t'])
    const floors = [{ topic: 't', partition: 0, offset: 5 }]
    await house.groups.commit({ group: 'g', memberId: 'a', floors })
    return house
  }
  const partition0 = { group: 'g', topic: 't', partitions: [0], dryRun: false } as const

  test('is refused while a live member holds the partition', async () => {
    const house = await resettable()
    const reset = house.groups.reset({ ...partition0, to: { at: 'earliest' } })
    await expect(reset).rejects.toEqual(rejection('PARTITION_HELD'))
  })

  test('goes to the start, the end, an offset or a time', async () => {
    const house = await resettable()
    await house.groups.leave('g', 'a')
    const to = async (target: Parameters<typeof house.groups.reset>[0]['to']) =>
      (await house.groups.reset({ ...partition0, to: target }))[0]
    expect(await to({ at: 'earliest' })).toMatchObject({ before: 5, offset: 0 })
    expect(await to({ at: 'latest' })).toMatchObject({ before: 0, offset: 11 })
    expect(await to({ offset: 3 })).toMatchObject({ before: 11, offset: 3 })
    expect(await to({ offset: 99 })).toMatchObject({ offset: 11 })
    expect(await to({ timeMs: house.clock.nowMs() })).toMatchObject({ offset: 10 })
    expect(await to({ timeMs: house.clock.nowMs() + 1 })).toMatchObject({ offset: 11 })
  })

  test('takes all partitions where none is named, and changes nothing in a dry run', async () => {
    const house = await resettable()
    await house.groups.leave('g', 'a')
    const all = { group: 'g', topic: 't', to: { at: 'latest' }, dryRun: true } as const
    const changes = await house.groups.reset(all)
    expect(changes.map(({ before, offset }) => [before, offset])).toEqual([
      [5, 11],
      [null, 0],
      [null, 0],
      [null, 0],
    ])
    expect(house.groups.get('g').floor('t', 0)).toBe(5)
  })

  test('is refused for what is not there', async () => {
    const { groups } = await resettable()
    const to = { at: 'latest' } as const
    const reset = (more: object) => groups.reset({ ...partition0, to, ...more })
    await expect(reset({ group: 'no' })).rejects.toEqual(rejection('GROUP_NOT_FOUND'))
    await expect(reset({ topic: 'no' })).rejects.toEqual(rejection('TOPIC_NOT_FOUND'))
    await expect(reset({ partitions: [4] })).rejects.toEqual(rejection('PARTITION_NOT_FOUND'))
  })
})
