import { describe, expect, test } from 'vitest'
import { GroupsMachine } from '../../../src/groups/machine.ts'
import { LIMITS } from '../../../src/kernel/limits.ts'
import { MachineDriver } from './support.ts'

function setup(topics: Record<string, number> = { t: 4 }): MachineDriver {
  const driver = new MachineDriver()
  for (const [name, partitions] of Object.entries(topics)) driver.createTopic(name, partitions)
  return driver
}

const fail = (): never => {
  throw new Error('there is one')
}
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('join', () => {
  test('makes the group, its first member leads and holds everything', () => {
    const driver = setup()
    expect(driver.join('a', ['t'])).toBe(1)
    const group = driver.machine.group('g')
    expect([group.mode, group.assignment, group.leaderId]).toEqual(['ack', 'range', 'a'])
    expect(driver.assigned()).toEqual({ a: ['t-0', 't-1', 't-2', 't-3'] })
  })

  test('of another member ends the generation and shares the partitions', () => {
    const driver = setup()
    driver.join('a', ['t'])
    expect(driver.join('b', ['t'])).toBe(2)
    expect(driver.assigned()).toEqual({ a: ['t-0', 't-1'], b: ['t-2', 't-3'] })
  })

  test('again as before changes nothing and writes nothing', () => {
    const driver = setup({ t: 4, u: 1 })
    driver.join('a', ['t', 'u'])
    driver.join('b', ['t'])
    const written = driver.journal.length
    expect(driver.join('a', ['u', 't'])).toBe(2)
    expect(driver.journal).toHaveLength(written)
  })

  test('again with another session timeout keeps the generation, with other topics ends it', () => {
    const driver = setup({ t: 4, u: 1 })
    driver.join('a', ['t'])
    expect(driver.join('a', ['t'], { sessionTimeoutMs: 5_000 })).toBe(1)
    expect(driver.machine.group('g').members.get('a')?.sessionTimeoutMs).toBe(5_000)
    expect(driver.join('a', ['u'])).toBe(2)
    expect(driver.assigned()).toEqual({ a: ['u-0'] })
  })

  test('keeps the time at which the member came first, and who leads', () => {
    const driver = setup()
    driver.join('b', ['t'])
    driver.nowMs += 500
    driver.join('a', ['t'])
    driver.join('b', ['t', 'u'])
    const group = driver.machine.group('g')
    expect(group.members.get('b')?.joinedAtMs).toBe(1_000_000)
    expect(group.leaderId).toBe('b')
  })

  test('with another mode is refused for as long as the group exists', () => {
    const driver = setup()
    driver.join('a', ['t'], { mode: 'offset' })
    driver.leave('a')
    expect(() => driver.join('b', ['t'], { mode: 'ack' })).toThrow(code('GROUP_MODE_CONFLICT'))
    expect(driver.join('b', ['t'])).toBe(3)
  })

  test('with another assignment is refused while others are members', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.join('b', ['t'])
    const shared = { assignment: 'shared' } as const
    expect(() => driver.join('a', ['t'], shared)).toThrow(code('GROUP_MODE_CONFLICT'))
    driver.leave('b')
    const before = driver.generation()
    expect(driver.join('a', ['t'], shared)).toBe(before + 1)
    expect(driver.machine.group('g').assignment).toBe('shared')
  })

  test('with shared partitions and one floor is impossible', () => {
    const driver = setup()
    const options = { mode: 'offset', assignment: 'shared' } as const
    expect(() => driver.join('a', ['t'], options)).toThrow(code('INVALID_CONFIG'))
    expect(driver.machine.groups.size).toBe(0)
  })

  test('beyond the most members is refused, for a known one it is not', () => {
    const driver = setup()
    for (let i = 0; i < LIMITS.groupMembersMax; i += 1) driver.join(`m${i}`, ['t'])
    expect(() => driver.join('more', ['t'])).toThrow(code('GROUP_FULL'))
    expect(driver.join('m5', ['t'])).toBe(LIMITS.groupMembersMax)
  })

  test('beyond the most members of all groups is refused, also after a restart', () => {
    const driver = setup({})
    driver.join('a', ['t'], { group: 'first' })
    const { groups } = driver.machine.snapshot()
    const [one] = groups[0]?.members ?? []
    const crowd = Array.from({ length: LIMITS.membersMax - 1 }, (_, i) => ({
      ...(one ?? fail()),
      memberId: `m${i}`,
    }))
    const full = { ...(groups[0] ?? fail()), id: 'crowd', members: crowd }
    driver.machine.restore({ version: 1, groups: [...groups, full] })
    expect(() => driver.join('b', ['t'], { group: 'second' })).toThrow(code('LIMIT_REACHED'))
    expect(driver.join('a', ['t'], { group: 'first' })).toBe(1)
    driver.leave('a', 'first')
    expect(driver.join('b', ['t'], { group: 'second' })).toBe(1)
  })

  test('beyond the most groups is refused', () => {
    const driver = setup()
    for (let i = 0; i < LIMITS.groupsMax; i += 1) driver.join('a', ['t'], { group: `g${i}` })
    expect(() => driver.join('a', ['t'], { group: 'more' })).toThrow(code('LIMIT_REACHED'))
  })
})

describe('departure', () => {
  test('hands the partitions to those who stay', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.join('b', ['t'])
    driver.leave('a')
    expect(driver.generation()).toBe(3)
    expect(driver.assigned()).toEqual({ b: ['t-0', 't-1', 't-2', 't-3'] })
  })

  test('of many at once ends one generation', () => {
    const driver = setup()
    for (const memberId of ['a', 'b', 'c']) driver.join(memberId, ['t'])
    driver.submit({ kind: 'evict', group: 'g', memberIds: ['a', 'c', 'never there'] })
    expect(driver.generation()).toBe(4)
    driver.submit({ kind: 'evict', group: 'g', memberIds: ['a'] })
    expect(driver.generation()).toBe(4)
  })

  test('of somebody who is not there is refused', () => {
    const driver = setup()
    expect(() => driver.leave('a')).toThrow(code('GROUP_NOT_FOUND'))
    driver.join('a', ['t'])
    expect(() => driver.leave('b')).toThrow(code('UNKNOWN_MEMBER'))
  })
})

describe('commit', () => {
  const at = (offset: number, partition = 0) => ({ topic: 't', partition, offset })

  test('raises the floor and tells where it was', () => {
    const driver = setup()
    driver.join('a', ['t'])
    expect(driver.commit('a', at(5), 1)).toEqual([{ ...at(5), before: null }])
    expect(driver.commit('a', at(9))).toEqual([{ ...at(9), before: 5 }])
  })

  test('below the floor leaves it and writes nothing', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.commit('a', at(9))
    const written = driver.journal.length
    expect(driver.commit('a', at(5))).toEqual([{ ...at(9), before: 9 }])
    expect(driver.journal).toHaveLength(written)
  })

  test('of an old generation is refused, even for a partition that is still held', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.join('b', ['t'])
    expect(() => driver.commit('a', at(5), 1)).toThrow(code('STALE_GENERATION'))
    expect(driver.machine.group('g').floor('t', 0)).toBeUndefined()
  })

  test('of a partition of somebody else is refused and nothing of it is taken', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.join('b', ['t'])
    const floors = [at(5, 0), at(5, 3)]
    const commit = { kind: 'commit', group: 'g', memberId: 'a', generation: 2, floors } as const
    expect(() => driver.submit(commit)).toThrow(code('NOT_ASSIGNED'))
    expect(driver.machine.group('g').floor('t', 0)).toBeUndefined()
  })

  test('of a partition or a topic that does not exist is refused', () => {
    const driver = setup()
    driver.join('a', ['t'])
    expect(() => driver.commit('a', at(5, 4))).toThrow(code('NOT_ASSIGNED'))
    const elsewhere = { topic: 'constructor', partition: 0, offset: 1 }
    expect(() => driver.commit('a', elsewhere)).toThrow(code('NOT_ASSIGNED'))
  })

  test('of somebody who left is refused', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.leave('a')
    expect(() => driver.commit('a', at(5))).toThrow(code('UNKNOWN_MEMBER'))
  })
})

describe('reset', () => {
  test('moves floors back once nobody holds the partition', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.commit('a', { topic: 't', partition: 1, offset: 7 })
    const back = [{ partition: 1, offset: 2 }]
    expect(() => driver.reset('t', back)).toThrow(code('PARTITION_HELD'))
    driver.leave('a')
    expect(driver.reset('t', back)).toEqual([{ topic: 't', partition: 1, offset: 2, before: 7 }])
    expect(driver.machine.group('g').floor('t', 1)).toBe(2)
  })

  test('works for a topic that the group never read', () => {
    const driver = setup({ t: 1, u: 2 })
    driver.join('a', ['t'])
    const reply = driver.reset('u', [{ partition: 1, offset: 3 }])
    expect(reply).toEqual([{ topic: 'u', partition: 1, offset: 3, before: null }])
    driver.join('a', ['u'])
    expect(driver.machine.group('g').floor('u', 1)).toBe(3)
  })
})

describe('reset of what is not there', () => {
  test('is refused', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.leave('a')
    expect(() => driver.reset('u', [{ partition: 0, offset: 0 }])).toThrow(code('TOPIC_NOT_FOUND'))
    const beyond = [{ partition: 4, offset: 0 }]
    expect(() => driver.reset('t', beyond)).toThrow(code('PARTITION_NOT_FOUND'))
  })
})

describe('topics under a group', () => {
  test('a topic made later is assigned once it is there', () => {
    const driver = setup({})
    expect(driver.join('a', ['late'])).toBe(1)
    expect(driver.assigned()).toEqual({ a: [] })
    driver.createTopic('late', 2)
    expect(driver.generation()).toBe(2)
    expect(driver.assigned()).toEqual({ a: ['late-0', 'late-1'] })
  })

  test('a deleted topic takes its floors along, and one made again under its name has none', () => {
    const driver = setup()
    driver.join('a', ['t'])
    driver.commit('a', { topic: 't', partition: 0, offset: 7 })
    driver.deleteTopic('t')
    expect(driver.assigned()).toEqual({ a: [] })
    driver.createTopic('t', 4)
    expect(driver.generation()).toBe(3)
    expect(driver.machine.group('g').floor('t', 0)).toBeUndefined()
  })

  test('a group that does not read the topic is left alone', () => {
    const driver = setup({ t: 1, u: 1 })
    driver.join('a', ['t'])
    const written = driver.journal.length
    driver.deleteTopic('u')
    expect(driver.generation()).toBe(1)
    expect(driver.journal).toHaveLength(written)
  })

  test('a topic that nobody reads and nobody has read is forgotten', () => {
    const driver = setup({ t: 1, u: 1 })
    driver.join('a', ['t', 'u'])
    driver.commit('a', { topic: 't', partition: 0, offset: 1 })
    driver.leave('a')
    expect([...driver.machine.group('g').topics.keys()]).toEqual(['t'])
  })

  test('a join that knows more than the group brings it up to date', () => {
    const driver = setup({ t: 1 })
    driver.join('a', ['t'])
    driver.catalogue.set('t', { name: 't', id: 1, partitions: 3 })
    expect(driver.join('a', ['t'])).toBe(2)
    expect(driver.assigned()).toEqual({ a: ['t-0', 't-1', 't-2'] })
  })
})

describe('end of a group', () => {
  test('is refused while it has members', () => {
    const driver = setup()
    driver.join('a', ['t'])
    expect(() => driver.submit({ kind: 'delete', group: 'g' })).toThrow(code('GROUP_NOT_EMPTY'))
    driver.leave('a')
    driver.submit({ kind: 'delete', group: 'g' })
    expect(() => driver.submit({ kind: 'delete', group: 'g' })).toThrow(code('GROUP_NOT_FOUND'))
  })

  test('comes by itself when it was empty for the whole retention', () => {
    const driver = setup()
    driver.join('a', ['t'])
    const expire = { kind: 'expire', groups: ['g'], retentionMs: 1_000 } as const
    driver.nowMs += 5_000
    driver.submit(expire)
    driver.leave('a')
    driver.nowMs += 999
    driver.submit(expire)
    expect(driver.machine.groups.size).toBe(1)
    driver.nowMs += 1
    driver.submit(expire)
    expect(driver.machine.groups.size).toBe(0)
  })
})

describe('replay', () => {
  test('of events for groups that are gone does nothing', () => {
    const machine = new GroupsMachine()
    machine.apply({ type: 'committed', group: 'gone', floors: [], atMs: 1 })
    expect(machine.snapshot()).toEqual({ version: 1, groups: [] })
  })
})
