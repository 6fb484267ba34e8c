import { describe, expect, test } from 'vitest'
import { drive, turn } from '../../../support/drive.ts'
import { messages, publishes, setup } from './setup.ts'

describe('Producer', () => {
  test('says where a message was stored', async () => {
    const { producer, clock, broker } = setup()
    const sent = await drive(clock, producer.send({ topic: 't', value: 'a' }))
    expect(sent).toEqual({
      topic: 't',
      partition: 0,
      offset: 0,
      timestamp: broker.log('t', 0).records()[0]?.timestampMs,
      durability: 'disk',
    })
  })

  test('stores key, value, priority and headers as they were given', async () => {
    const { producer, clock, broker } = setup()
    const headers = { trace: 'x', ключ: 'значение' }
    await drive(
      clock,
      producer.sendBatch([
        { topic: 't', key: 'ключ', value: Buffer.from([0, 255]), priority: 'low', headers },
        { topic: 't', value: null },
      ]),
    )
    const [first, second] = broker.log('t', 0).records()
    expect(first).toMatchObject({
      priority: 3,
      key: Buffer.from('ключ'),
      value: Buffer.from([0, 255]),
    })
    expect(first?.extension?.headers).toEqual(headers)
    expect(second).toMatchObject({ value: null, key: undefined, priority: 2 })
  })

  describe('a batch', () => {
    test('waits for its linger and no longer', async () => {
      const bench = setup({ lingerMs: 5 })
      const { producer, clock } = bench
      await drive(clock, producer.send({ topic: 't', value: 'known now' }))
      const all = Promise.all(messages(3).map((message) => producer.send(message)))
      await turn()
      clock.advance(4)
      await turn()
      expect(publishes(bench)).toHaveLength(1)
      clock.advance(1)
      expect((await all).map(({ offset }) => offset)).toEqual([1, 2, 3])
      expect(publishes(bench)).toHaveLength(2)
    })

    test('is sent as soon as it has its number of messages', async () => {
      const bench = setup({ lingerMs: 1000, batchMessages: 10 })
      await bench.producer.sendBatch(messages(10))
      expect(publishes(bench)).toHaveLength(1)
    })

    test('is sent as soon as it has its bytes', async () => {
      const bench = setup({ lingerMs: 1000, batchBytes: 1000 })
      await bench.producer.sendBatch([{ topic: 't', value: 'x'.repeat(1000) }])
      expect(publishes(bench)).toHaveLength(1)
    })

    test('does not wait where a message is critical', async () => {
      const bench = setup({ lingerMs: 1000 })
      const all = Promise.all([
        bench.producer.send({ topic: 't', value: 'before' }),
        bench.producer.send({ topic: 't', value: 'now', priority: 'critical' }),
      ])
      expect((await all).map(({ offset }) => offset)).toEqual([0, 1])
      expect(bench.clock.monotonicMs()).toBe(0)
    })

    test('without linger is sent at once, and gathers what comes while it is under way', async () => {
      const bench = setup({ lingerMs: 0 })
      const { producer, clock, broker } = bench
      await producer.send({ topic: 't', value: 'first' })
      broker.fault = () => ({ delayMs: 3 })
      const second = producer.send({ topic: 't', value: 'second' })
      await turn()
      const later: Promise<unknown>[] = []
      for (let i = 0; i < 20; i += 1) {
        later.push(producer.send({ topic: 't', value: `${i}` }))
        await turn()
      }
      await drive(clock, Promise.all([second, ...later]))
      expect(publishes(bench)).toHaveLength(3)
    })

    test('grows beyond its trigger while it waits for its turn', async () => {
      const bench = setup({ lingerMs: 0, batchMessages: 10, inFlightMax: 1 })
      const { producer, clock, broker } = bench
      await producer.send({ topic: 't', value: 'known' })
      broker.fault = () => ({ delayMs: 3 })
      const sent = messages(100).map(async (message) => {
        await turn()
        return await producer.send(message)
      })
      await drive(clock, Promise.all(sent))
      expect(publishes(bench).length).toBeLessThan(5)
      expect(broker.log('t', 0).latest).toBe(101)
    })
  })

  describe('partitions', () => {
    test('of a key are the broker’s own, and an explicit one wins', async () => {
      const { producer, clock, broker } = setup({ partitions: 4 })
      const sent = await drive(
        clock,
        Promise.all([
          producer.send({ topic: 't', key: 'a', value: '1' }),
          producer.send({ topic: 't', key: Buffer.from('a'), value: '2' }),
          producer.send({ topic: 't', key: 'a', partition: 3, value: '3' }),
        ]),
      )
      expect(sent[0].partition).toBe(sent[1].partition)
      expect(sent[2].partition).toBe(3)
      expect(broker.values('t', 3)).toContain('3')
    })

    test('of messages without a key: a batch stays together, the spread is even', async () => {
      const bench = setup({ partitions: 4, batchMessages: 50, lingerMs: 0 })
      for (let i = 0; i < 40; i += 1) await bench.producer.sendBatch(messages(50))
      const counts = [0, 1, 2, 3].map((p) => bench.broker.log('t', p).latest)
      expect(counts).toEqual([500, 500, 500, 500])
      expect(publishes(bench)).toHaveLength(40)
    })

    test('out of range are refused', async () => {
      const { producer, clock } = setup({ partitions: 2 })
      await expect(
        drive(clock, producer.send({ topic: 't', value: '', partition: 2 })),
      ).rejects.toMatchObject({ code: 'PARTITION_NOT_FOUND' })
    })
  })

  describe('sendBatch', () => {
    test('tells where each message went, in the order of the call', async () => {
      const { producer, clock, broker } = setup({ partitions: 3 })
      const batch = Array.from({ length: 60 }, (_, i) => ({
        topic: 't',
        key: `k${i % 7}`,
        value: `${i}`,
      }))
      const delivered = await drive(clock, producer.sendBatch(batch))
      expect(delivered.count).toBe(60)
      const positions = delivered.positions()
      for (const [i, { partition, offset }] of positions.entries()) {
        expect(broker.values('t', partition)[offset]).toBe(`${i}`)
      }
    })

    test('of nothing is done at once', async () => {
      const { producer } = setup()
      expect((await producer.sendBatch([])).positions()).toEqual([])
    })

    test('with a wrong message sends none of it and says which', async () => {
      const bench = setup()
      const wrong = { topic: 't', key: 'k'.repeat(70_000), value: '' }
      await expect(bench.producer.sendBatch([...messages(2), wrong])).rejects.toMatchObject({
        code: 'RECORD_TOO_LARGE',
        fields: { 'messages[2]': expect.stringContaining('key of 70000 bytes') },
      })
      await bench.producer.close()
      expect(bench.broker.log('t', 0).latest).toBe(0)
    })
  })

  describe('a topic', () => {
    test('that is not there rejects its messages and no others', async () => {
      const { producer, clock } = setup()
      const [missing, there] = await drive(
        clock,
        Promise.allSettled([
          producer.send({ topic: 'nowhere', value: '' }),
          producer.send({ topic: 't', value: '' }),
        ]),
      )
      expect(missing).toMatchObject({ reason: { code: 'TOPIC_NOT_FOUND' } })
      expect(there).toMatchObject({ status: 'fulfilled' })
    })

    test('made later is found by the next message', async () => {
      const { producer, clock, broker } = setup()
      await expect(
        drive(clock, producer.send({ topic: 'later', value: '' })),
      ).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
      broker.createTopic('later')
      await drive(clock, producer.send({ topic: 'later', value: 'here' }))
      expect(broker.values('later')).toEqual(['here'])
    })

    test('deleted and made again with more partitions is learnt', async () => {
      const { producer, clock, broker } = setup()
      await drive(clock, producer.send({ topic: 't', value: 'old' }))
      broker.topics.delete('t')
      await expect(drive(clock, producer.send({ topic: 't', value: '' }))).rejects.toMatchObject({
        code: 'TOPIC_NOT_FOUND',
      })
      broker.createTopic('t', 2)
      await drive(clock, producer.send({ topic: 't', partition: 1, value: 'new' }))
      expect(broker.values('t', 1)).toEqual(['new'])
    })

    test('is described again when the description is old', async () => {
      const { producer, clock, broker } = setup({ metadataMaxAgeMs: 1000 })
      await drive(clock, producer.send({ topic: 't', value: '' }))
      const more = broker.createTopic('t', 2)
      expect(more).toHaveLength(2)
      clock.advance(1000)
      await drive(clock, producer.send({ topic: 't', value: '' }))
      await drive(clock, producer.send({ topic: 't', partition: 1, value: 'new' }))
      expect(broker.values('t', 1)).toEqual(['new'])
    })
  })

  test('refuses options out of their bounds, all at once', () => {
    expect(() => setup({ batchMessages: 0, inFlightMax: 6 })).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        fields: {
          batchMessages: 'must be 1 to 100000, is 0',
          inFlightMax: 'must be 1 to 5, is 6',
        },
      }),
    )
  })
})
