import { describe, expect, test, vi } from 'vitest'
import type { SayingKind } from '../../../src/delivery/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import type { Priority } from '../../../src/kernel/priority.ts'
import { type Handed, house, restarted, soon, values } from './house.ts'

const LETTERS = 'chnlb'

async function setup(members = ['a']) {
  const home = await house()
  for (const memberId of members) await home.join(memberId, { assignment: 'shared' })
  return home
}

type Home = Awaited<ReturnType<typeof setup>>

/** Publishes one record for each letter, in the lane it stands for. */
async function publish(home: Home, letters: string): Promise<void> {
  const records = [...letters].map((value) => ({
    value,
    priority: Math.max(0, LETTERS.indexOf(value)) as Priority,
  }))
  await home.publishRecords('t', 0, records)
}

describe('a poll of a topic with priorities', () => {
  test('is served the most urgent first, in the order of the log within a lane', async () => {
    const home = await setup()
    await publish(home, 'bnchlcbn')
    const handed = await home.poll()
    expect(values(handed)).toBe('cchnnlbb')
    expect(handed.map(({ offset }) => offset)).toEqual([2, 5, 3, 1, 7, 4, 0, 6])
  })

  test('settles what it names, and the floor follows when all of it is', async () => {
    const home = await setup()
    await publish(home, 'bnchlcbn')
    const floors: (number | undefined)[] = []
    for (const each of await home.poll()) {
      expect(await home.say('ack', [each])).toEqual(['done'])
      floors.push(home.delivery.floor('g', 't', 0))
    }
    expect(floors).toEqual([0, 0, 0, 0, 0, 0, 6, 8])
    expect(home.lag).toBe(0)
    expect(await home.poll()).toEqual([])
  })

  test('gets one critical record that comes behind many others next', async () => {
    const home = await setup()
    for (let i = 0; i < 20; i += 1) await publish(home, 'b'.repeat(100))
    expect(values(await home.poll({ maxMessages: 8 }))).toBe('bbbbbb')
    await publish(home, 'c')
    expect(values(await home.poll({ maxMessages: 1 }))).toBe('c')
    expect(values(await home.poll({ maxMessages: 5 }))).toBe('bbb')
  })

  test('is handed what was left over after a restart, nothing twice', async () => {
    const home = await setup()
    await publish(home, 'bbbbbcccccnnnnn')
    const before = await home.poll({ maxMessages: 7 })
    expect(values(before)).toBe('cccccnn')
    const next = await restarted(home)
    const rest = await next.poll()
    expect(values(rest)).toBe('nnnbbbbb')
    await next.say('ack', [...before, ...rest])
    expect(next.delivery.floor('g', 't', 0)).toBe(15)
    expect(next.lag).toBe(0)
  })

  test('gets a retry in its lane, and a released one too', async () => {
    const home = await setup()
    await publish(home, 'cbn')
    const [critical, ...others] = await home.poll()
    await home.say('nack', [critical as Handed], 500)
    await home.say('giveBack', others)
    await publish(home, 'hb')
    home.clock.advance(500)
    expect(values(await home.poll())).toBe('chnbb')
  })

  test('gets shares by the weights while all lanes are full', async () => {
    const home = await setup()
    for (let i = 0; i < 40; i += 1) await publish(home, 'bnchlcbnhl'.repeat(10))
    const counts: Record<string, number> = {}
    for (let poll = 0; poll < 30; poll += 1) {
      const handed = await home.poll({ maxMessages: 20 })
      for (const { value } of handed) counts[value] = (counts[value] ?? 0) + 1
      await home.say('ack', handed)
    }
    expect(counts).toEqual({ c: 300, h: 150, n: 90, l: 42, b: 18 })
  })

  test('gets the lane next that has waited for the boost', async () => {
    const home = await setup()
    await publish(home, `${'c'.repeat(200)}bb`)
    const order: string[] = []
    for (let i = 0; i < 8; i += 1) {
      order.push(values(await home.poll({ maxMessages: 1 })))
      home.clock.advance(10_000)
    }
    expect(order.join('')).toBe('cccbccbc')
  })
})

describe('retention', () => {
  test('that takes unread records of some lanes is counted by what each of them loses', async () => {
    const home = await setup()
    await publish(home, 'bcbcb')
    await publish(home, 'bc')
    const handed = await home.poll({ maxMessages: 3 })
    expect(values(handed)).toBe('ccc')
    await home.say('ack', handed)
    const log = home.engine.openLogs.values()
    for (const each of log) if (each.path.startsWith('topics/t')) await each.truncateBefore(5)
    expect(values(await home.poll())).toBe('b')
    expect(home.delivery.figures().retentionSkipped).toBe(3)
    expect(home.warnings).toMatchObject([{ records: 3, earliest: 5 }])
    expect(home.lag).toBe(1)
  })
})

describe('an index of lanes that must be loaded', () => {
  test('is loaded by the poll that needs it', async () => {
    const home = await setup(['a', 'b'])
    await publish(home, 'bc')
    const next = await restarted(home)
    const { lanes } = next.topics.get('t').partition(0)
    let [isLoaded, loads] = [false, 0]
    vi.spyOn(lanes, 'count').mockImplementation(() => (isLoaded ? 1 : undefined))
    vi.spyOn(lanes, 'load').mockImplementation(async () => {
      loads += 1
      isLoaded = true
    })
    const polled = next.poll({ maxMessages: 1 })
    vi.mocked(lanes.count).mockImplementation((lane) => {
      if (!isLoaded) return undefined
      return lane === 0 || lane === 4 ? 1 : 0
    })
    expect(values(await polled)).toBe('c')
    expect(loads).toBeGreaterThan(0)
    vi.restoreAllMocks()
    isLoaded = false
    const ask = lanes.next.bind(lanes)
    vi.spyOn(lanes, 'next').mockImplementation((...of) => (isLoaded ? ask(...of) : undefined))
    vi.spyOn(lanes, 'load').mockImplementation(async () => {
      isLoaded = true
    })
    expect(values(await next.poll({ memberId: 'b', maxMessages: 1 }))).toBe('b')
  })

  test('and cannot be read fails the poll', async () => {
    const home = await setup()
    await publish(home, 'bc')
    const next = await restarted(home)
    const { lanes } = next.topics.get('t').partition(0)
    vi.spyOn(lanes, 'count').mockReturnValue(undefined)
    vi.spyOn(lanes, 'load').mockRejectedValue(new BrokerError('LOG_CORRUPT', 'no lanes'))
    await expect(next.poll()).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
  })
})

describe('the two lowest lanes', () => {
  test('may hold a share of the slots of all members, and no more', async () => {
    const home = await setup(['a', 'b', 'c', 'd'])
    await publish(home, 'bbbbbbbbbb')
    const held: Handed[][] = []
    const waiting: Promise<Handed[]>[] = []
    for (const memberId of ['a', 'b', 'c', 'd']) {
      waiting.push(home.poll({ memberId, maxMessages: 1, waitMs: 30_000 }))
    }
    await soon(() => home.delivery.waiterCount === 1)
    held.push(...(await Promise.all(waiting.slice(0, 3))))
    expect(held.map(values)).toEqual(['b', 'b', 'b'])
    await publish(home, 'c')
    expect(values((await waiting[3]) ?? [])).toBe('c')
  })

  test('go on as soon as one of theirs is settled', async () => {
    const home = await setup(['a', 'b'])
    await home.delivery.setPolicy('group', 'g', { lowLanesShareMax: 0.5 })
    await publish(home, 'lb')
    const first = await home.poll({ maxMessages: 1 })
    const second = home.poll({ memberId: 'b', maxMessages: 1, waitMs: 30_000 })
    await soon(() => home.delivery.waiterCount === 1)
    await home.say('ack', first)
    expect(values(await second)).toBe('b')
  })
})

describe('waiting polls', () => {
  test('are served by the append that brings something urgent', async () => {
    const home = await setup(['a', 'b'])
    const first = home.poll({ waitMs: 30_000 })
    await soon(() => home.delivery.waiterCount === 1)
    const second = home.poll({ memberId: 'b', waitMs: 30_000 })
    await soon(() => home.delivery.waiterCount === 2)
    await publish(home, 'c')
    expect(values(await first)).toBe('c')
    await publish(home, 'b')
    expect(values(await second)).toBe('b')
  })
})

describe('a dead letter', () => {
  test('keeps the priority of its record', async () => {
    const home = await setup()
    await publish(home, 'nc')
    const [critical] = await home.poll()
    await home.say('reject', [critical as Handed])
    await soon(() => home.topics.find('t.dlq') !== undefined)
    await soon(() => home.delivery.figures().dying === 0)
    expect(await home.stored('t.dlq')).toMatchObject([{ priority: 0 }])
  })
})

describe('a range of one lane', () => {
  test('is one part and one run, whatever of other lanes lies between, and settles what it names', async () => {
    const home = await setup()
    await publish(home, 'cnbcnbcnb')
    const { parts } = await taken(home)
    const [critical, normal, background] = parts
    expect(parts).toMatchObject([
      { lane: 0, offset: 0, nextOffset: 7, count: 3 },
      { lane: 2, offset: 1, nextOffset: 8, count: 3 },
      { lane: 4, offset: 2, nextOffset: 9, count: 3 },
    ])
    expect(await settle(home, 'ack', critical, [0, 7])).toEqual([[0, 7, 3, 'done']])
    expect(home.delivery.floor('g', 't', 0)).toBe(1)
    expect(await settle(home, 'ack', background, [2, 6])).toEqual([[2, 6, 2, 'done']])
    expect(await settle(home, 'ack', normal, [1, 8])).toEqual([[1, 8, 3, 'done']])
    expect(home.delivery.floor('g', 't', 0)).toBe(8)
    // Said again, and beyond what was handed out.
    expect(await settle(home, 'ack', normal, [1, 12])).toEqual([
      [1, 9, 8, 'done'],
      [9, 12, 3, 'unknown'],
    ])
    const next = await restarted(home)
    expect(await settle(next, 'ack', background, [8, 9])).toEqual([[8, 9, 1, 'done']])
    expect(next.delivery.floor('g', 't', 0)).toBe(9)
  })

  test('that failed in part comes back in part, with those that were given back', async () => {
    const home = await setup()
    await publish(home, 'cncncncn')
    const { parts } = await taken(home)
    const [critical, normal] = parts
    expect(await settle(home, 'nack', critical, [2, 5])).toEqual([[2, 5, 2, 'requeued']])
    expect(await settle(home, 'giveBack', normal, [3, 8])).toEqual([[3, 8, 3, 'done']])
    const again = await restarted(home)
    again.clock.advance(2_000)
    const { handed } = await again.take()
    expect(handed.map(({ offset, deliveries }) => [offset, deliveries])).toEqual([
      ...[
        [2, 2],
        [4, 2],
      ],
      ...[
        [3, 1],
        [5, 1],
        [7, 1],
      ],
    ])
    expect(await settle(again, 'ack', critical, [0, 7])).toEqual([
      [0, 1, 1, 'done'],
      [1, 2, 1, 'done'],
      [2, 5, 2, 'lost'],
      [5, 6, 1, 'done'],
      [6, 7, 1, 'done'],
    ])
  })
})

async function taken({ delivery }: Home) {
  const poll = { group: 'g', memberId: 'a', maxMessages: 100, maxBytes: 1_000_000 }
  const read = await delivery.poll({ ...poll, waitMs: 0, autoCommit: false }, undefined)
  if (read.rebalance) throw new Error('a rebalance')
  return read.value
}

type Taken = Awaited<ReturnType<typeof taken>>['parts'][number]

/** What became of a range of the part's lane: from, to, records, outcome. */
async function settle(
  home: Home,
  kind: SayingKind,
  part: Taken | undefined,
  [from, to]: readonly [number, number],
) {
  const { nonce = 0, deliveryCount: deliveries = 1, lane } = part ?? {}
  const range = { group: 'g', topic: 't', partition: 0, nonce, deliveries, lane, from, to }
  const [outcome] = await home.delivery.say([{ kind, range }])
  return outcome?.pieces?.map((piece) => [piece.from, piece.to, piece.size, piece.outcome])
}
