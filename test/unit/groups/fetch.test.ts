import { describe, expect, test } from 'vitest'
import type { GroupFetchRequest } from '../../../src/groups/index.ts'
import { GroupsHouse, soon } from './service.ts'

async function setup() {
  const house = await GroupsHouse.open()
  await house.topic('t', 2)
  await house.join('a', ['t'], { mode: 'offset' })
  return house
}

const read = (partition: number, offset = 0) => ({ topic: 't', partition, offset })

async function fetch(house: GroupsHouse, more: Partial<GroupFetchRequest> = {}) {
  const answer = await house.groups.fetch({
    group: 'g',
    memberId: 'a',
    generation: 1,
    reads: [read(0), read(1)],
    maxBytes: 1_000_000,
    waitMs: 0,
    ...more,
  })
  if (answer.rebalance) return 'rebalance'
  return answer.value.map(({ index, result, error }) => [index, result?.count ?? error?.code])
}

const rejection = (code: string) => expect.objectContaining({ code })

describe('a fetch in a group', () => {
  test('reads assigned partitions from where the member says', async () => {
    const house = await setup()
    await house.publish('t', 0, ...'abc')
    await house.publish('t', 1, ...'ab')
    expect((await fetch(house)).toString()).toBe('0,3,1,2')
    expect(await fetch(house, { reads: [read(1, 1), read(0, 3)] })).toEqual([[0, 1]])
  })

  test('is refused for what is not assigned to the member', async () => {
    const house = await setup()
    await house.join('b', ['t'])
    const asB = { memberId: 'b', generation: 2 }
    await expect(fetch(house, asB)).rejects.toEqual(rejection('NOT_ASSIGNED'))
    expect(await fetch(house, { ...asB, reads: [read(1)] })).toEqual([])
  })

  test('is refused to strangers and for generations to come', async () => {
    const house = await setup()
    await expect(fetch(house, { memberId: 'x' })).rejects.toEqual(rejection('UNKNOWN_MEMBER'))
    await expect(fetch(house, { generation: 2 })).rejects.toEqual(rejection('STALE_GENERATION'))
  })

  test('is told of a rebalance at once, waiting or not', async () => {
    const house = await setup()
    const answer = fetch(house, { waitMs: 60_000 })
    await soon(() => house.topics.waiterCount === 1)
    await house.join('b', ['t'])
    house.clock.advance(20)
    expect(await answer).toBe('rebalance')
    expect(await fetch(house)).toBe('rebalance')
  })

  test('waits with the notice while more changes may follow, so that nobody joins again in vain', async () => {
    const house = await setup()
    await house.join('b', ['t'])
    let answered = false
    const answer = fetch(house, { waitMs: 60_000 }).finally(() => {
      answered = true
    })
    await new Promise(setImmediate)
    await house.join('c', ['t'])
    expect(answered).toBe(false)
    house.clock.advance(20)
    expect(await answer).toBe('rebalance')
    expect(await house.join('a', ['t'])).toMatchObject({ generation: 3 })
  })

  test('counts as a heartbeat', async () => {
    const house = await setup()
    for (let i = 0; i < 5; i += 1) {
      house.clock.advance(20_000)
      await fetch(house)
    }
    expect(house.groups.describe('g').state).toBe('stable')
  })

  test('says of a read what is wrong with it and still answers the others', async () => {
    const house = await setup()
    await house.publish('t', 0, 'x')
    const reads = [read(1, 5), read(0)]
    const answer = await fetch(house, { reads, waitMs: 60_000 })
    expect(answer.toString()).toBe('1,1,0,OFFSET_OUT_OF_RANGE')
  })
})
