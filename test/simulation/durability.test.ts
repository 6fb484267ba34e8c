/** What a group is told right before the power goes, where it has asked for replies that survive that. */
import { describe, expect, test } from 'vitest'
import { Broker, type OperationName, type Operations } from '../../src/broker/index.ts'
import { INTERNAL_CALLER } from '../../src/kernel/caller.ts'
import { silentLogger } from '../../src/kernel/platform.ts'
import { batchOf, decodeRecords } from '../../src/record/index.ts'
import { FakeClock } from '../support/fakeClock.ts'
import { baseSeed, SeededRandom } from '../support/random.ts'
import { SimulatedDisk } from '../support/simulatedDisk.ts'
import { openEngine } from './support/openEngine.ts'

type Mode = 'ack' | 'offset'

interface Held {
  readonly offset: number
  readonly nonce: number
}

const HOUR_MS = 3_600_000
const FATES = 6

/** One life of a broker on the disk, and one group with the member `a`. */
class Life {
  readonly clock = new FakeClock()
  readonly #disk: SimulatedDisk
  readonly #mode: Mode
  #broker: Broker | undefined

  constructor(disk: SimulatedDisk, mode: Mode) {
    this.#disk = disk
    this.#mode = mode
  }

  async start(): Promise<this> {
    const engine = await openEngine(this.#disk, this.clock, new SeededRandom(1))
    const platform = { clock: this.clock, random: new SeededRandom(2).next, logger: silentLogger }
    this.#broker = new Broker({ engine, platform })
    await this.#broker.start()
    return this
  }

  async call<N extends OperationName>(name: N, input: Operations[N]['input']) {
    if (this.#broker === undefined) throw new Error('it was not started')
    return await this.#broker.call(name, input, INTERNAL_CALLER)
  }

  async join(): Promise<void> {
    const member = { clientId: 'c', memberId: 'a', topics: ['t'] }
    const sessionTimeoutMs = HOUR_MS / 2
    await this.call('groups.join', { group: 'g', ...member, sessionTimeoutMs, mode: this.#mode })
  }

  async publish(...values: string[]): Promise<void> {
    const batch = batchOf(...values.map((value) => ({ value })))
    await this.call('records.publishBatch', { topic: 't', partition: 0, batch, acks: 'all' })
  }

  async poll(max: number, autoCommit = false): Promise<{ values: string; held: Held[] }> {
    const limits = { maxMessages: max, maxBytes: 100_000, waitMs: 0 }
    const read = await this.call('groups.poll', {
      group: 'g',
      memberId: 'a',
      ...limits,
      autoCommit,
    })
    if (read.rebalance) throw new Error('a rebalance')
    const held: Held[] = []
    let values = ''
    for (const part of read.value.parts) {
      const nonce = 'nonce' in part ? part.nonce : 0
      for (const { offset, value } of decodeRecords(part.bytes)) {
        held.push({ offset, nonce })
        values += value
      }
    }
    return { values, held }
  }

  async say(kind: 'ack' | 'nack' | 'reject' | 'extend', held: readonly Held[]) {
    const sayings = held.map(({ offset: from, nonce }) => ({
      ...{ kind, timeMs: kind === 'ack' || kind === 'reject' ? undefined : HOUR_MS },
      range: { group: 'g', topic: 't', partition: 0, from, to: from + 1, deliveries: 1, nonce },
    }))
    const outcomes = await this.call('messages.say', { sayings })
    return outcomes.map(({ pieces, error }) => error?.code ?? pieces?.[0]?.outcome)
  }

  async commit(offset: number): Promise<void> {
    const floors = [{ topic: 't', partition: 0, offset }]
    await this.call('groups.commit', { group: 'g', memberId: 'a', floors })
  }
}

interface Case {
  readonly name: string
  readonly mode?: Mode
  readonly say: (life: Life, held: readonly Held[]) => Promise<unknown>
  /** How long after the power loss the records are looked for; a lease that was not extended is over then. */
  readonly laterMs?: number
}

const CASES: readonly Case[] = [
  { name: 'a hand-out', say: async () => undefined, laterMs: 0 },
  { name: 'an ack', say: (life, held) => life.say('ack', held) },
  { name: 'a nack that waits', say: (life, held) => life.say('nack', held) },
  { name: 'a rejection', say: (life, held) => life.say('reject', held) },
  { name: 'an extension', say: (life, held) => life.say('extend', held) },
  { name: 'a commit', say: (life) => life.commit(2) },
  { name: 'the commit of a poll that gets nothing', say: (life) => life.poll(1, true) },
  { name: 'a commit by offset', mode: 'offset', say: (life) => life.commit(2), laterMs: 0 },
  {
    name: 'the commit of a poll by offset that gets nothing',
    mode: 'offset',
    say: (life) => life.poll(1, true),
    laterMs: 0,
  },
]

interface Run extends Case {
  readonly scope: 'group' | 'topic' | undefined
  readonly fate: number
}

/** What is handed out after the power came back. */
async function handedOutAfter({ say, mode = 'ack', scope, fate, laterMs = 60_000 }: Run) {
  const disk = new SimulatedDisk(baseSeed(), fate)
  const life = await new Life(disk, mode).start()
  await life.call('topics.create', { name: 't', partitions: 1 })
  const policy = { name: 't', change: { ackDurability: 'all' } } as const
  if (scope === 'topic') await life.call('delivery.setPolicy', { ...policy, scope })
  await life.join()
  if (scope === 'group') await life.call('delivery.setPolicy', { ...policy, scope, name: 'g' })
  await life.publish('a', 'b')
  const { held } = await life.poll(2)
  await say(life, held)
  disk.powerLoss()
  const next = await new Life(disk, mode).start()
  await next.join()
  await next.publish('c')
  next.clock.advance(laterMs)
  const { values } = await next.poll(10)
  return { next, held, values }
}

describe('a reply that is to survive a power cut', () => {
  test.each(CASES)('of $name does', async (each) => {
    for (const scope of ['group', 'topic'] as const) {
      for (let fate = 0; fate < FATES; fate += 1) {
        const { values, held, next } = await handedOutAfter({ ...each, scope, fate })
        expect(values, `${scope}, fate ${fate}, seed ${baseSeed()}`).toBe('c')
        if (each.name !== 'a hand-out') continue
        expect(await next.say('ack', held)).toEqual(['done', 'done'])
      }
    }
  })

  test('is not what a group gets that asks for nothing: records come again, and none is missing', async () => {
    const seen: string[] = []
    for (let fate = 0; fate < FATES; fate += 1) {
      for (const each of CASES) {
        seen.push((await handedOutAfter({ ...each, scope: undefined, fate })).values)
      }
    }
    expect(seen.filter((values) => !values.endsWith('c'))).toEqual([])
    expect(seen).toContain('abc')
  })
})
