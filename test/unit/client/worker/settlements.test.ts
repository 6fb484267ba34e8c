import { describe, expect, test } from 'vitest'
import type { LeasePart, SettleOutcome, SettleSaying } from '../../../../src/api/index.ts'
import { Lot } from '../../../../src/client/worker/lot.ts'
import { type Confirmed, Settlements } from '../../../../src/client/worker/settlements.ts'
import { BrokerError } from '../../../../src/kernel/errors.ts'
import { turn } from '../../../support/drive.ts'
import { FakeClock } from '../../../support/fakeClock.ts'

const part = (offset = 0, count = 100): LeasePart => ({
  ...{ topic: 't', partition: 0, lane: 2, nonce: 7, deliveryCount: 1, offset, count },
  ...{ nextOffset: offset + count, deadlineMs: 0, bytes: Buffer.alloc(0) },
})
const lotOf = (offset = 0): Lot => new Lot(part(offset), 0, [{ slot: 0, version: 1 }], 0)
const saying = (what: SettleSaying['what'], from: number, to = from + 1): SettleSaying => ({
  ...{ what, topic: 't', partition: 0, nonce: 7, deliveryCount: 1, from, to },
})

class World {
  readonly clock = new FakeClock()
  readonly sent: string[][] = []
  readonly confirmed: string[] = []
  /** Requests that wait for their answer. */
  readonly answers: ((answer: readonly SettleOutcome[] | BrokerError) => void)[] = []
  isPatient = true
  readonly settlements: Settlements

  constructor(batch = 4) {
    this.settlements = new Settlements({
      ...{ clock: this.clock, batch, lingerMs: 5 },
      settle: (sayings) => {
        this.sent.push(sayings.map(({ what, from, to }) => `${what} ${from}-${to}`))
        return new Promise((resolve, reject) => {
          this.answers.push((answer) =>
            answer instanceof BrokerError ? reject(answer) : resolve(answer),
          )
        })
      },
      backOff: () => Promise.resolve(this.isPatient),
      confirmed: (_saying, { from, to, outcome }: Confirmed) =>
        void this.confirmed.push(`${outcome} ${from}-${to}`),
      moved: () => undefined,
    })
  }

  async answer(answer: readonly SettleOutcome[] | BrokerError = []): Promise<void> {
    this.answers.shift()?.(answer)
    await turn()
  }
}

describe('settlements', () => {
  test('gather until there are enough, neighbours in one range whatever their order', async () => {
    const world = new World(5)
    const lot = lotOf()
    for (const offset of [3, 0, 1, 7, 2]) world.settlements.ack(lot, offset)
    expect(world.sent).toEqual([['ack 0-4', 'ack 7-8']])
    expect(world.settlements.unconfirmed).toBe(5)
    await world.answer()
    expect(world.confirmed).toEqual(['acked 0-4', 'acked 7-8'])
    expect(world.settlements.unconfirmed).toBe(0)
  })

  test('wait for others no longer than they linger', () => {
    const world = new World()
    world.settlements.ack(lotOf(), 0)
    world.clock.advance(4)
    expect(world.sent).toEqual([])
    world.clock.advance(1)
    expect(world.sent).toEqual([['ack 0-1']])
  })

  test('what the broker names is not as was said, the rest is', async () => {
    const world = new World()
    const lot = lotOf()
    for (const offset of [0, 1, 2, 3]) world.settlements.ack(lot, offset)
    await world.answer([{ saying: 0, error: 934, from: 1, to: 3, timeMs: 0 }])
    expect(world.confirmed).toEqual(['acked 0-1', 'lost 1-3', 'acked 3-4'])
  })

  test('a nack that is due never was the last try; giving back has no outcome', async () => {
    const world = new World(3)
    world.settlements.say(saying('nack', 0))
    world.settlements.say(saying('nack', 1))
    world.settlements.say(saying('giveBack', 5))
    await world.answer([
      { saying: 0, error: 0, from: 0, to: 1, timeMs: 0 },
      { saying: 1, error: 0, from: 1, to: 2, timeMs: 99 },
      { saying: 2, error: 934, from: 5, to: 6, timeMs: 0 },
    ])
    expect(world.confirmed).toEqual(['dead 0-1', 'nacked 1-2'])
  })

  test('are told again until there is an answer, and no others are held up by that', async () => {
    const world = new World(1)
    world.settlements.ack(lotOf(), 0)
    world.settlements.ack(lotOf(50), 0)
    await world.answer(new BrokerError('OUTCOME_UNKNOWN', 'cut'))
    expect(world.sent).toEqual([['ack 0-1'], ['ack 50-51'], ['ack 0-1']])
    await world.answer()
    await world.answer()
    expect(world.confirmed).toEqual(['acked 50-51', 'acked 0-1'])
  })

  test('what is given up counts as nothing', async () => {
    const world = new World(1)
    world.isPatient = false
    world.settlements.ack(lotOf(), 0)
    await world.answer(new BrokerError('GROUP_NOT_FOUND', 'gone'))
    expect(world.confirmed).toEqual([])
    expect(world.settlements.unconfirmed).toBe(0)
  })

  test('a few requests at once; what comes meanwhile goes together', async () => {
    const world = new World(1)
    const lot = lotOf()
    for (let offset = 0; offset < 10; offset += 1) world.settlements.ack(lot, offset)
    expect(world.sent).toHaveLength(4)
    await world.answer()
    expect(world.sent.at(-1)).toEqual(['ack 4-10'])
  })
})
