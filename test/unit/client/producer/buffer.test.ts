import { describe, expect, test } from 'vitest'
import { KiB } from '../../../../src/kernel/units.ts'
import { drive, turn } from '../../../support/drive.ts'
import { type Bench, messages, setup } from './setup.ts'

const filler = (bytes: number) => ({ topic: 't', value: Buffer.alloc(bytes) })

/** A broker that answers nothing, and a buffer that is full of what waits for it. */
async function full(options: Parameters<typeof setup>[0] = {}): Promise<Bench> {
  const bench = setup({ lingerMs: 0, bufferBytes: 64 * KiB, ...options })
  await bench.producer.send({ topic: 't', value: 'warm' })
  bench.broker.fault = () => ({ delayMs: 1000 })
  for (let i = 0; i < 5; i += 1) ignore(bench.producer.send(filler(15 * KiB)))
  await turn()
  return bench
}

const ignore = (promise: Promise<unknown>): void => void promise.catch(() => undefined)

describe('the buffer', () => {
  test('makes send() wait, and never holds more than it may', async () => {
    const { producer, broker, clock } = setup({ lingerMs: 0, bufferBytes: 64 * KiB, partitions: 3 })
    broker.fault = () => ({ delayMs: 20 })
    let largest = 0
    const sent = Array.from({ length: 400 }, async (_, i) => {
      const delivery = await producer.send({
        topic: 't',
        key: `${i % 11}`,
        value: 'x'.repeat(1000),
      })
      largest = Math.max(largest, producer.bufferedBytes)
      return delivery
    })
    largest = Math.max(largest, producer.bufferedBytes)
    await drive(clock, Promise.all(sent))
    expect(largest).toBeGreaterThan(32 * KiB)
    expect(largest).toBeLessThanOrEqual(64 * KiB)
    expect(producer.bufferedBytes).toBe(0)
    expect([0, 1, 2].reduce((sum, p) => sum + broker.log('t', p).latest, 0)).toBe(400)
  })

  test('lets a batch that is larger than itself through in parts', async () => {
    const { producer, broker, clock } = setup({ lingerMs: 1000, bufferBytes: 16 * KiB })
    const batch = Array.from({ length: 100 }, () => filler(1000))
    const delivered = await drive(clock, producer.sendBatch(batch))
    expect(delivered.positions().map(({ offset }) => offset)).toEqual(batch.map((_, i) => i))
    expect(broker.log('t', 0).latest).toBe(100)
  })

  test('keeps the order of calls while they wait', async () => {
    const { producer, broker, clock } = setup({ lingerMs: 0, bufferBytes: 4 * KiB })
    const all = messages(500).map((message) => producer.send(message))
    await drive(clock, Promise.all(all))
    expect(broker.values('t')).toEqual(messages(500).map(({ value }) => value))
  })

  test('refuses a message that it can never hold', async () => {
    const { producer, clock } = setup({ bufferBytes: 4 * KiB })
    await expect(drive(clock, producer.send(filler(5000)))).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
    })
    expect(producer.bufferedBytes).toBe(0)
  })

  test('lets a call wait for so long and no longer', async () => {
    const { producer, clock } = await full({ maxBlockMs: 500 })
    const waiting = producer.send({ topic: 't', value: 'too late' })
    clock.advance(499)
    await turn()
    ignore(waiting)
    clock.advance(1)
    await expect(waiting).rejects.toMatchObject({ code: 'BUFFER_FULL' })
  })

  test('lets so many calls wait and no more', async () => {
    const { producer } = await full({ waitersMax: 2 })
    for (let i = 0; i < 2; i += 1) ignore(producer.send({ topic: 't', value: `${i}` }))
    await expect(producer.send({ topic: 't', value: 'one too many' })).rejects.toMatchObject({
      code: 'BUFFER_FULL',
    })
  })

  test('sends what lingers when somebody waits for its room', async () => {
    const { producer, clock } = setup({ lingerMs: 60_000, bufferBytes: 8 * KiB })
    await drive(clock, Promise.all(messages(200).map((each) => producer.send(each))))
    expect(clock.monotonicMs()).toBeLessThan(60_100)
  })
})

describe('a topic that cannot be looked up', () => {
  test('lets its messages wait, and says why when it takes too long', async () => {
    const { producer, broker, clock } = setup({ maxBlockMs: 3000 })
    broker.fault = () => ({ cut: true })
    await expect(drive(clock, producer.send({ topic: 't', value: '' }))).rejects.toMatchObject({
      code: 'REQUEST_TIMED_OUT',
      cause: { code: 'CONNECTION_FAILED' },
    })
    expect(clock.monotonicMs()).toBeLessThan(3010)
  })

  test('is asked for again until the broker is there', async () => {
    const { producer, broker, clock } = setup({ maxBlockMs: 30_000 })
    broker.fault = () => ({ cut: true })
    const sent = Promise.all(messages(5).map((message) => producer.send(message)))
    await turn()
    clock.advance(5000)
    await turn()
    broker.fault = () => undefined
    await drive(clock, sent)
    expect(broker.values('t')).toEqual(['0', '1', '2', '3', '4'])
  })
})

describe('flush', () => {
  test('sends what lingers and waits for the answers', async () => {
    const { producer, broker, clock } = setup({ lingerMs: 10_000 })
    let settled = 0
    for (const message of messages(20)) {
      ignore(
        producer.send(message).finally(() => {
          settled += 1
        }),
      )
    }
    broker.fault = () => ({ delayMs: 5 })
    await drive(clock, producer.flush())
    expect(settled).toBe(20)
    expect(clock.monotonicMs()).toBeLessThan(100)
  })

  test('covers calls that wait for room', async () => {
    const { producer, broker, clock } = setup({ lingerMs: 10_000, bufferBytes: 4 * KiB })
    for (const message of messages(300)) ignore(producer.send(message))
    await drive(clock, producer.flush())
    expect(broker.log('t', 0).latest).toBe(300)
  })

  test('does not wait for what comes after it', async () => {
    const { producer, broker, clock } = setup({ lingerMs: 0 })
    await producer.send({ topic: 't', value: 'warm' })
    broker.fault = () => ({ delayMs: 100 })
    ignore(producer.send({ topic: 't', value: 'before' }))
    await turn()
    const flushed = producer.flush()
    ignore(producer.send({ topic: 't', value: 'after' }))
    await drive(clock, flushed)
    expect(broker.values('t')).toEqual(['warm', 'before'])
    await drive(clock, producer.close())
    expect(broker.values('t')).toEqual(['warm', 'before', 'after'])
  })

  test('is done although a message was refused', async () => {
    const { producer, clock } = setup()
    ignore(producer.send({ topic: 'nowhere', value: '' }))
    await drive(clock, producer.flush())
  })
})

describe('close', () => {
  test('delivers everything that was accepted and refuses what comes later', async () => {
    const { producer, broker, clock } = setup({ lingerMs: 10_000, partitions: 4 })
    const sent = Promise.all(messages(50).map((message) => producer.send(message)))
    const closed = producer.close()
    await expect(producer.send({ topic: 't', value: 'late' })).rejects.toMatchObject({
      code: 'CLIENT_CLOSED',
    })
    await expect(producer.sendBatch(messages(2))).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    await drive(clock, closed)
    expect(await sent).toHaveLength(50)
    expect([0, 1, 2, 3].reduce((sum, p) => sum + broker.log('t', p).latest, 0)).toBe(50)
  })

  test('leaves no timer behind', async () => {
    const { producer, clock } = setup({ lingerMs: 10_000 })
    ignore(producer.sendBatch(messages(500)))
    await drive(clock, producer.close())
    expect(clock.pendingTimers).toBe(0)
  })

  test('gives up after its timeout, and says of what was sent that it may be stored', async () => {
    const { producer, broker, clock } = setup({ lingerMs: 0, inFlightMax: 1 })
    await producer.send({ topic: 't', value: 'warm' })
    broker.fault = () => ({ delayMs: 1000 })
    const sent = producer.send({ topic: 't', value: 'sent' })
    await turn()
    const results = Promise.allSettled([sent, producer.sendBatch(messages(3))])
    await drive(clock, producer.close({ timeoutMs: 50 }))
    expect(await results).toMatchObject([
      { reason: { code: 'OUTCOME_UNKNOWN' } },
      { reason: { code: 'CLIENT_CLOSED' } },
    ])
    expect(producer.bufferedBytes).toBe(0)
  })

  test('may be called twice', async () => {
    const { producer, clock } = setup()
    await drive(clock, Promise.all([producer.close(), producer.close()]))
  })
})
