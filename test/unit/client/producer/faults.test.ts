import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../../src/kernel/errors.ts'
import { decodeRecord, decodeWireBatch } from '../../../../src/record/index.ts'
import { drive, turn } from '../../../support/drive.ts'
import type { Fault } from '../../../support/stub/broker.ts'
import { type Bench, messages, publishes, type SetupOptions, setup } from './setup.ts'

/** Faults for the next publishes, in turn; those after them pass. */
function faults({ broker }: Bench, ...next: (Fault | undefined)[]): void {
  broker.fault = ({ path }) => (path.endsWith('/messages') ? next.shift() : undefined)
}

/** A producer that has sent one message already: the topic is known, the epoch established. */
async function warm(options: SetupOptions = {}): Promise<Bench> {
  const bench = setup({ lingerMs: 0, batchMessages: 1, ...options })
  await drive(bench.clock, bench.producer.send({ topic: 't', value: 'warm' }))
  return bench
}

const overloaded = (retryAfterMs?: number): BrokerError =>
  new BrokerError('BROKER_OVERLOADED', 'busy', retryAfterMs === undefined ? {} : { retryAfterMs })

describe('a publish', () => {
  test('whose reply was lost is repeated and stored once', async () => {
    const bench = await warm()
    faults(bench, { dropReply: true })
    const sent = await drive(bench.clock, bench.producer.send({ topic: 't', value: 'a' }))
    expect(sent.offset).toBe(1)
    expect(bench.broker.values('t')).toEqual(['warm', 'a'])
    expect(publishes(bench)).toHaveLength(3)
  })

  test('that never arrived keeps its place before those that did', async () => {
    const bench = await warm()
    faults(bench, { cut: true })
    const all = []
    for (const value of ['a', 'b', 'c', 'd']) {
      all.push(bench.producer.send({ topic: 't', value }))
      await Promise.resolve()
    }
    const sent = await drive(bench.clock, Promise.all(all))
    expect(sent.map(({ offset }) => offset)).toEqual([1, 2, 3, 4])
    expect(bench.broker.values('t')).toEqual(['warm', 'a', 'b', 'c', 'd'])
    expect(bench.warnings).toEqual([])
  })

  test('that is refused for now is repeated after the wait that the broker asks for', async () => {
    const bench = await warm()
    faults(bench, { refuse: overloaded(7000) })
    const sent = bench.producer.send({ topic: 't', value: 'a' })
    await turn()
    bench.clock.advance(6999)
    await turn()
    expect(publishes(bench)).toHaveLength(2)
    bench.clock.advance(1)
    expect((await sent).offset).toBe(1)
  })

  test('is repeated less and less often', async () => {
    const bench = await warm({ retryBackoffMs: 100, retryBackoffMaxMs: 800, random: () => 0.5 })
    const at: number[] = []
    bench.broker.fault = () => {
      at.push(bench.clock.monotonicMs())
      return at.length > 6 ? undefined : { refuse: overloaded() }
    }
    const start = bench.clock.monotonicMs()
    await drive(bench.clock, bench.producer.send({ topic: 't', value: 'a' }))
    expect(at.map((ms) => ms - start)).toEqual([0, 100, 300, 700, 1500, 2300, 3100])
  })

  test('that is refused for good is rejected, and those behind it go on in a new epoch', async () => {
    const bench = await warm()
    faults(bench, { refuse: new BrokerError('RECORD_TOO_LARGE', 'no') })
    const sent = ['a', 'b', 'c'].map(async (value, i) => {
      for (let turns = 0; turns < i; turns += 1) await Promise.resolve()
      return await bench.producer.send({ topic: 't', value })
    })
    const [a, b, c] = await drive(bench.clock, Promise.allSettled(sent))
    expect(a).toMatchObject({ reason: { code: 'RECORD_TOO_LARGE' } })
    expect([b, c]).toMatchObject([{ value: { offset: 1 } }, { value: { offset: 2 } }])
    expect(bench.broker.values('t')).toEqual(['warm', 'b', 'c'])
    expect(bench.warnings).toEqual(['SEQUENCE_GAP'])
  })

  test('is given up at the delivery timeout, saying that it may be stored', async () => {
    const bench = await warm({ deliveryTimeoutMs: 5000 })
    bench.broker.fault = () => ({ dropReply: true })
    await expect(
      drive(bench.clock, bench.producer.send({ topic: 't', value: 'a' })),
    ).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    expect(bench.clock.monotonicMs()).toBeGreaterThanOrEqual(5000)
    expect(bench.clock.monotonicMs()).toBeLessThan(5010)
    expect(bench.producer.bufferedBytes).toBe(0)
  })

  test('is given up at the delivery timeout, saying that it was not stored', async () => {
    const bench = await warm({ deliveryTimeoutMs: 5000 })
    bench.broker.fault = () => ({ refuse: overloaded(60_000) })
    await expect(
      drive(bench.clock, bench.producer.send({ topic: 't', value: 'a' })),
    ).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' })
    expect(bench.clock.monotonicMs()).toBeLessThan(5010)
  })

  test('given up does not hold back what comes after it, nor is it stored later', async () => {
    const bench = await warm({ deliveryTimeoutMs: 1000, requestTimeoutMs: 300 })
    bench.broker.fault = () => ({ cut: true })
    await expect(
      drive(bench.clock, bench.producer.send({ topic: 't', value: 'lost' })),
    ).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    bench.broker.fault = () => undefined
    await drive(bench.clock, bench.producer.sendBatch(messages(3)))
    expect(bench.broker.values('t')).toEqual(['warm', '0', '1', '2'])
    expect(bench.warnings).toEqual(['SEQUENCE_GAP'])
  })

  test('that a silent broker holds is asked again after the request timeout', async () => {
    const bench = await warm({ requestTimeoutMs: 1000 })
    faults(bench, { delayMs: 1_000_000 })
    const connection = bench.producer.send({ topic: 't', value: 'a' })
    await turn()
    bench.clock.advance(999)
    await turn()
    expect(publishes(bench)).toHaveLength(1)
    expect(bench.connection.underWay).toBe(1)
    bench.broker.fault = () => undefined
    bench.clock.advance(1)
    await turn()
    expect(bench.connection.underWay).toBe(0)
    void connection.catch(() => undefined)
  })
})

describe('a broker', () => {
  test('that forgot the producer takes a new start, with a warning', async () => {
    const bench = await warm()
    bench.broker.log('t', 0).forgetProducers()
    await drive(bench.clock, bench.producer.send({ topic: 't', value: 'a' }))
    expect(bench.broker.values('t')).toEqual(['warm', 'a'])
    expect(bench.warnings).toEqual(['PRODUCER_RESET'])
  })

  test('that may have forgotten the producer in a long silence gets one batch alone, so that order is kept', async () => {
    const bench = await warm()
    bench.clock.advance(24 * 3_600_000)
    bench.broker.log('t', 0).forgetProducers()
    faults(bench, { cut: true })
    const all = []
    for (const value of ['a', 'b', 'c']) {
      all.push(bench.producer.send({ topic: 't', value }))
      await Promise.resolve()
    }
    await drive(bench.clock, Promise.all(all))
    expect(bench.broker.values('t')).toEqual(['warm', 'a', 'b', 'c'])
    expect(bench.warnings).toEqual(['PRODUCER_RESET'])
  })

  test('that lost acknowledged records is taken as it is, with a warning', async () => {
    const bench = await warm()
    await drive(bench.clock, bench.producer.sendBatch(messages(2)))
    bench.broker.log('t', 0).loseFrom(1)
    const sent = await drive(bench.clock, bench.producer.send({ topic: 't', value: 'a' }))
    expect(sent.offset).toBe(1)
    expect(bench.warnings).toEqual(['SEQUENCE_GAP'])
  })

  test('that knows a newer epoch refuses what is under way; the producer goes on as another', async () => {
    const bench = await warm()
    faults(bench, { refuse: new BrokerError('INVALID_PRODUCER_EPOCH', 'old') })
    await expect(
      drive(bench.clock, bench.producer.send({ topic: 't', value: 'a' })),
    ).rejects.toMatchObject({ code: 'INVALID_PRODUCER_EPOCH' })
    await drive(bench.clock, bench.producer.send({ topic: 't', value: 'b' }))
    expect(bench.broker.values('t')).toEqual(['warm', 'b'])
  })

  test('that is away is waited for: nothing is lost and nothing reordered', async () => {
    const bench = setup({ lingerMs: 0, batchMessages: 10 })
    bench.broker.fault = () => ({ cut: true })
    const all = Promise.all(messages(100).map((message) => bench.producer.send(message)))
    await turn()
    bench.clock.advance(4000)
    await turn()
    bench.broker.fault = () => undefined
    const sent = await drive(bench.clock, all)
    expect(sent.map(({ offset }) => offset)).toEqual(sent.map((_, i) => i))
  })
})

/** Attempts of batches by their first value: when each arrives, when its answer leaves, or that it is lost. */
interface Attempt {
  readonly arrivesMs: number
  readonly repliesMs?: number
  readonly cut?: boolean
}

function play({ broker, clock }: Bench, attempts: Record<string, Attempt[]>): void {
  const startMs = clock.monotonicMs()
  broker.fault = ({ path, body }) => {
    if (!path.endsWith('/messages')) return undefined
    const value = decodeRecord(decodeWireBatch(body).bytes, 0).value?.toString() ?? ''
    const attempt = attempts[value]?.shift()
    if (attempt === undefined) return undefined
    const { arrivesMs, repliesMs = arrivesMs, cut = false } = attempt
    const delayMs = startMs + arrivesMs - clock.monotonicMs()
    return { delayMs, replyDelayMs: repliesMs - arrivesMs, cut }
  }
}

describe('attempts that arrive late', () => {
  const options: SetupOptions = {
    ordered: false,
    requestTimeoutMs: 100,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 5,
    random: () => 0.5,
  }

  test('are not stored beside the one that took their place in a new epoch', async () => {
    const bench = await warm({ ...options, deliveryTimeoutMs: 1000 })
    const lost = Array.from({ length: 200 }, () => ({ arrivesMs: 0, cut: true }))
    // `b` is refused for want of `a`; when that is given up at 1000, another epoch seems the way out.
    play(bench, { a: [{ arrivesMs: 1030 }, ...lost], b: [{ arrivesMs: 1035 }] })
    const a = bench.producer.send({ topic: 't', value: 'a' })
    await turn()
    bench.clock.advance(50)
    const b = bench.producer.send({ topic: 't', value: 'b' })
    const settled = Promise.allSettled([a, b])
    bench.broker.onRequest = ({ body }) => {
      const isNewEpoch = body.length > 0 && decodeWireBatch(body).producer?.epoch === 1
      if (isNewEpoch) play(bench, { b: [{ arrivesMs: 50 }] })
    }
    expect(await drive(bench.clock, settled)).toMatchObject([
      { reason: { code: 'OUTCOME_UNKNOWN' } },
      { reason: { code: 'OUTCOME_UNKNOWN' } },
    ])
    bench.clock.advance(2000)
    await turn()
    expect(bench.broker.values('t')).toEqual(['warm', 'a', 'b'])
  })

  test('after one before them was stored are known again', async () => {
    const bench = await warm(options)
    play(bench, {
      a: [{ arrivesMs: 0, cut: true }, { arrivesMs: 150 }],
      b: [{ arrivesMs: 165 }, { arrivesMs: 140, repliesMs: 160 }, { arrivesMs: 170 }],
    })
    const all = Promise.all([
      bench.producer.send({ topic: 't', value: 'a' }),
      Promise.resolve().then(() => bench.producer.send({ topic: 't', value: 'b' })),
    ])
    await drive(bench.clock, all)
    bench.clock.advance(1000)
    await turn()
    expect(bench.broker.values('t')).toEqual(['warm', 'a', 'b'])
    expect(bench.warnings).toEqual([])
  })
})

describe('without idempotence', () => {
  test('one batch is under way at a time, and a lost reply means a second copy', async () => {
    const bench = await warm({ idempotent: false })
    faults(bench, { dropReply: true })
    const sent = Promise.all([
      bench.producer.send({ topic: 't', value: 'a' }),
      bench.producer.send({ topic: 't', value: 'b' }),
    ])
    await turn()
    expect(bench.connection.underWay).toBeLessThanOrEqual(1)
    await drive(bench.clock, sent)
    expect(bench.broker.values('t').filter((value) => value === 'a').length).toBe(2)
  })
})
