import { describe, expect, test } from 'vitest'
import type { PollRequest } from '../../../src/groups/index.ts'
import { decodeRecords } from '../../../src/record/index.ts'
import { GroupsHouse, soon } from './service.ts'

async function setup(partitions = 2, members = ['a']) {
  const house = await GroupsHouse.open()
  await house.topic('t', partitions)
  for (const memberId of members) await house.join(memberId, ['t'], { mode: 'offset' })
  for (const memberId of members) await house.join(memberId, ['t'])
  return house
}

const POLL: PollRequest = {
  group: 'g',
  memberId: 'a',
  maxMessages: 100,
  maxBytes: 1_000_000,
  waitMs: 0,
  autoCommit: false,
}

/** `rebalance`, or what was handed out: `t-0@5 value`. */
async function poll(house: GroupsHouse, more: Partial<PollRequest> = {}, signal?: AbortSignal) {
  const read = await house.groups.poll({ ...POLL, ...more }, signal)
  if (read.rebalance) return 'rebalance'
  return read.value.parts.flatMap(({ topic, partition, bytes }) =>
    [...decodeRecords(bytes)].map(
      ({ offset, value }) => `${topic}-${partition}@${offset} ${value?.toString()}`,
    ),
  )
}

const waiting = (house: GroupsHouse, count = 1) => soon(() => house.topics.waiterCount === count)
const rejection = (code: string) => expect.objectContaining({ code })

describe('poll', () => {
  test('hands each record of the assigned partitions out once', async () => {
    const house = await setup()
    await house.publish('t', 0, 'x', 'y')
    await house.publish('t', 1, 'z')
    expect((await poll(house)).toString().split(',').sort()).toEqual([
      't-0@0 x',
      't-0@1 y',
      't-1@0 z',
    ])
    await house.publish('t', 0, 'new')
    expect(await poll(house)).toEqual(['t-0@2 new'])
    expect(await poll(house)).toEqual([])
  })

  test('takes no more than asked for', async () => {
    const house = await setup(1)
    await house.publish('t', 0, ...'abcde')
    expect(await poll(house, { maxMessages: 2 })).toEqual(['t-0@0 a', 't-0@1 b'])
    expect(await poll(house, { maxMessages: 2 })).toEqual(['t-0@2 c', 't-0@3 d'])
  })

  test('waits for the first record and is answered by its append', async () => {
    const house = await setup()
    const answer = poll(house, { waitMs: 30_000 })
    await waiting(house)
    await house.publish('t', 1, 'x')
    expect(await answer).toEqual(['t-1@0 x'])
  })

  test('is answered with nothing when the time is up', async () => {
    const house = await setup()
    const answer = poll(house, { waitMs: 5_000 })
    await waiting(house)
    house.clock.advance(5_000)
    expect(await answer).toEqual([])
  })

  test('of a member without partitions waits, and is told once there are some', async () => {
    const house = await setup(1, ['a', 'b'])
    const answer = poll(house, { memberId: 'b', waitMs: 60_000 })
    await waiting(house)
    await house.groups.leave('g', 'a')
    house.clock.advance(20)
    expect(await answer).toBe('rebalance')
  })

  test('counts as a heartbeat, at its start, while it waits and at its end', async () => {
    const house = await setup()
    const answer = poll(house, { waitMs: 60_000 })
    await waiting(house)
    house.clock.advance(60_000)
    expect(await answer).toEqual([])
    house.clock.advance(29_999)
    expect(house.groups.describe('g').state).toBe('stable')
    house.clock.advance(1)
    expect(house.groups.describe('g').state).toBe('empty')
  })

  test('of somebody who is no member is refused', async () => {
    const house = await setup()
    await expect(poll(house, { memberId: 'x' })).rejects.toEqual(rejection('UNKNOWN_MEMBER'))
    await expect(poll(house, { group: 'x' })).rejects.toEqual(rejection('GROUP_NOT_FOUND'))
    await expect(poll(house, { generation: 9 })).rejects.toEqual(rejection('STALE_GENERATION'))
  })

  test('whose caller is gone ends', async () => {
    const house = await setup()
    const gone = new AbortController()
    const answer = poll(house, { waitMs: 60_000 }, gone.signal)
    await waiting(house)
    gone.abort()
    await expect(answer).rejects.toEqual(rejection('CANCELLED'))
    expect(house.topics.waiterCount).toBe(0)
  })

  test('two at once of one member never hand out the same record', async () => {
    const house = await setup(1)
    const answers = Promise.all([poll(house, { waitMs: 1_000 }), poll(house, { waitMs: 1_000 })])
    await waiting(house, 2)
    await house.publish('t', 0, 'x')
    await soon(() => house.topics.waiterCount === 1)
    house.clock.advance(1_000)
    expect((await answers).flat()).toEqual(['t-0@0 x'])
  })
})

describe('position of a poll', () => {
  test('begins at the floor', async () => {
    const house = await setup(1)
    await house.publish('t', 0, ...'abcde')
    const floors = [{ topic: 't', partition: 0, offset: 3 }]
    await house.groups.commit({ group: 'g', memberId: 'a', floors })
    expect(await poll(house)).toEqual(['t-0@3 d', 't-0@4 e'])
  })

  test('moves with a commit beyond it', async () => {
    const house = await setup(1)
    await house.publish('t', 0, ...'abcde')
    await poll(house, { maxMessages: 1 })
    const floors = [{ topic: 't', partition: 0, offset: 4 }]
    await house.groups.commit({ group: 'g', memberId: 'a', floors })
    expect(await poll(house)).toEqual(['t-0@4 e'])
  })

  test('begins at the end where the member asked for the latest', async () => {
    const house = await setup(1, [])
    await house.publish('t', 0, 'old')
    await house.join('a', ['t'], { mode: 'offset', offsetReset: 'latest' })
    expect(await poll(house)).toEqual([])
    await house.publish('t', 0, 'new')
    expect(await poll(house)).toEqual(['t-0@1 new'])
  })

  test('goes back to the floor when the member joins again', async () => {
    const house = await setup(1)
    await house.publish('t', 0, 'x', 'y')
    await poll(house)
    await house.join('a', ['t'])
    expect(await poll(house)).toEqual(['t-0@0 x', 't-0@1 y'])
  })

  test('goes back where the client never got the reply', async () => {
    const house = await setup(1)
    await house.publish('t', 0, 'x')
    const read = await house.groups.poll(POLL)
    if (!read.rebalance) read.value.putBack()
    expect(await poll(house)).toEqual(['t-0@0 x'])
  })

  test('that went back wakes a poll that waits already', async () => {
    const house = await setup(1)
    await house.publish('t', 0, 'x')
    const read = await house.groups.poll(POLL)
    const answer = poll(house, { waitMs: 30_000 })
    await waiting(house)
    if (!read.rebalance) read.value.putBack()
    expect(await answer).toEqual(['t-0@0 x'])
  })

  test('goes back only as far as the client says', async () => {
    const house = await setup(1)
    await house.publish('t', 0, 'x', 'y', 'z')
    const read = await house.groups.poll(POLL)
    if (!read.rebalance) read.value.putBack([2])
    expect(await poll(house)).toEqual(['t-0@2 z'])
  })

  test('does not go back where more was handed out since', async () => {
    const house = await setup(1)
    await house.publish('t', 0, 'x', 'y')
    const read = await house.groups.poll({ ...POLL, maxMessages: 1 })
    await poll(house, { maxMessages: 1 })
    if (!read.rebalance) read.value.putBack()
    expect(await poll(house)).toEqual([])
  })

  test('skips what retention took, and says so', async () => {
    const house = await setup(1)
    await house.publish('t', 0, 'x', 'y')
    await house.publish('t', 0, 'z')
    const floors = [{ topic: 't', partition: 0, offset: 1 }]
    await house.groups.commit({ group: 'g', memberId: 'a', floors })
    await truncate(house, 2)
    expect(await poll(house)).toEqual(['t-0@2 z'])
    expect(house.groups.meters.retentionSkipped).toBe(1)
    expect(house.warnings).toMatchObject([{ group: 'g', floor: 1, earliest: 2 }])
  })

  test('of a floor beyond the end goes where the member asked for', async () => {
    const house = await setup(1)
    await house.publish('t', 0, 'x')
    const floors = [{ topic: 't', partition: 0, offset: 50 }]
    await house.groups.commit({ group: 'g', memberId: 'a', floors })
    expect(await poll(house)).toEqual(['t-0@0 x'])
    await house.groups.commit({
      group: 'g',
      memberId: 'a',
      floors: [{ ...floors[0], topic: 't', partition: 0, offset: 60 }],
    })
    expect(await poll(house)).toEqual(['t-0@0 x'])
  })
})

/** As retention does it. */
async function truncate(house: GroupsHouse, before: number): Promise<void> {
  const log = house.engine.openLogs.get(`${house.topics.get('t').path}/0`)
  await log?.truncateBefore(before)
}

describe('auto-commit', () => {
  test('commits what the poll before handed out', async () => {
    const house = await setup(1)
    await house.publish('t', 0, 'x', 'y')
    await poll(house, { autoCommit: true })
    expect(house.groups.get('g').floor('t', 0) ?? 0).toBe(0)
    await poll(house, { autoCommit: true })
    expect(house.groups.get('g').floor('t', 0)).toBe(2)
  })

  test('keeps what the member still holds, though it is behind', async () => {
    const house = await setup(2)
    await house.publish('t', 0, 'x')
    await house.publish('t', 1, 'y')
    await poll(house, { generation: 1 })
    await house.join('b', ['t'])
    const answer = poll(house, { generation: 1, autoCommit: true })
    await soon(() => house.groups.get('g').floor('t', 0) === 1)
    house.clock.advance(100)
    expect(await answer).toBe('rebalance')
    expect(house.groups.get('g').floor('t', 1)).toBeUndefined()
  })

  test('is refused where partitions are shared', async () => {
    const house = await setup(1, [])
    await house.join('a', ['t'], { assignment: 'shared' })
    await expect(poll(house, { autoCommit: true })).rejects.toEqual(rejection('INVALID_CONFIG'))
  })
})

describe('a rebalance', () => {
  test('that the member has seen already does not end its poll', async () => {
    const house = await setup()
    await house.join('b', ['t'])
    await house.join('a', ['t'])
    const answer = poll(house, { waitMs: 30_000, generation: 2 })
    await waiting(house)
    house.clock.advance(1_000)
    expect(house.topics.waiterCount).toBe(1)
    await house.publish('t', 0, 'x')
    expect(await answer).toEqual(['t-0@0 x'])
  })

  test('is told at once to a poll that waits', async () => {
    const house = await setup()
    const answer = poll(house, { waitMs: 30_000, generation: 1 })
    await waiting(house)
    await house.join('b', ['t'])
    house.clock.advance(20)
    expect(await answer).toBe('rebalance')
    expect(house.topics.waiterCount).toBe(0)
  })

  test('keeps records from a poll that is behind', async () => {
    const house = await setup()
    const answer = poll(house, { waitMs: 30_000, generation: 1 })
    await waiting(house)
    await house.join('b', ['t'])
    await house.publish('t', 0, 'x')
    house.clock.advance(20)
    expect(await answer).toBe('rebalance')
    house.clock.advance(100)
    expect(await poll(house, { generation: 1 })).toBe('rebalance')
    await house.join('a', ['t'])
    expect(await poll(house, { generation: 2 })).toEqual(['t-0@0 x'])
  })

  test('is told once to a member that names no generation, then it reads in the new one', async () => {
    const house = await setup()
    await house.join('b', ['t'])
    house.clock.advance(20)
    await house.publish('t', 0, 'x')
    expect(await poll(house)).toBe('rebalance')
    expect(await poll(house)).toEqual(['t-0@0 x'])
    await house.groups.leave('g', 'b')
    house.clock.advance(20)
    expect(await poll(house)).toBe('rebalance')
  })

  test('ends a poll of a member that was evicted or left meanwhile', async () => {
    const house = await setup()
    const answer = poll(house, { waitMs: 30_000 })
    const refusal = expect(answer).rejects.toEqual(rejection('UNKNOWN_MEMBER'))
    await waiting(house)
    await house.groups.leave('g', 'a')
    await refusal
  })

  test('of another group is no pause', async () => {
    const house = await setup()
    await house.join('x', ['t'], { group: 'other' })
    const answer = poll(house, { waitMs: 30_000 })
    await waiting(house)
    await house.join('y', ['t'], { group: 'other' })
    house.clock.advance(1_000)
    await house.publish('t', 0, 'x')
    expect(await answer).toEqual(['t-0@0 x'])
  })

  test('by a deleted topic is told as well', async () => {
    const house = await setup()
    const answer = poll(house, { waitMs: 30_000 })
    await waiting(house)
    await house.topics.delete('t')
    await soon(() => house.groups.get('g').generation === 2)
    house.clock.advance(20)
    expect(await answer).toBe('rebalance')
  })
})

describe('a shared group', () => {
  test('hands each record to one member', async () => {
    const house = await setup(1, [])
    for (const memberId of ['a', 'b', 'a']) {
      await house.join(memberId, ['t'], { assignment: 'shared' })
    }
    await house.publish('t', 0, ...'abcd')
    expect(await poll(house, { memberId: 'a', maxMessages: 3 })).toHaveLength(3)
    expect(await poll(house, { memberId: 'b' })).toEqual(['t-0@3 d'])
  })
})

describe('a partition that does not serve', () => {
  test('does not keep the others from being read', async () => {
    const house = await setup(2)
    await house.publish('t', 1, 'x')
    await house.topics.get('t').partition(0).close('stopped')
    expect(await poll(house, { waitMs: 1_000 })).toEqual(['t-1@0 x'])
  })

  test('is why a poll fails where there are no others', async () => {
    const house = await setup(1)
    await house.topics.get('t').partition(0).close('stopped')
    await expect(poll(house, { waitMs: 1_000 })).rejects.toEqual(rejection('SHUTTING_DOWN'))
  })
})

describe('stopping', () => {
  test('answers polls that wait', async () => {
    const house = await setup()
    const answer = poll(house, { waitMs: 60_000 })
    await waiting(house)
    await house.stop()
    expect(await answer).toEqual([])
  })
})
