import { describe, expect, test } from 'vitest'
import type { ConsumerOptions } from '../../../../src/client/index.ts'
import { KiB } from '../../../../src/kernel/units.ts'
import { drive, turn } from '../../../support/drive.ts'
import { FAKE_START_MS } from '../../../support/fakeClock.ts'
import { Collector, numbered, World } from './setup.ts'

const isFetch = ({ path }: { readonly path: string }): boolean => path === '/fetch'

describe('Consumer', () => {
  test('hands out what is there, then what comes, in order', async () => {
    const world = new World(1, 5)
    const collector = new Collector()
    const consumer = world.consumer()
    const run = consumer.eachMessage(collector.add)
    await drive(world.clock, collector.until(5))
    world.append(0, 3)
    await drive(world.clock, collector.until(8))
    expect(collector.texts).toEqual(numbered(0, 0, 8))
    await consumer.close()
    await run
  })

  test('gives a message with all that was stored of it', async () => {
    const world = new World()
    const headers = { trace: 'a', ü: 'ö' }
    world.store(
      0,
      { key: 'k', value: '{"a":1}', priority: 0, extension: { headers } },
      { value: null },
    )
    const collector = new Collector()
    const consumer = world.consumer()
    void consumer.eachMessage(collector.add)
    await drive(world.clock, collector.until(2))
    const [first, second] = collector.messages
    expect(first?.toJSON()).toEqual({
      topic: 't',
      partition: 0,
      offset: 0,
      timestamp: world.clock.nowMs(),
      priority: 'critical',
      key: 'k',
      value: '{"a":1}',
      headers,
    })
    expect(first?.json()).toEqual({ a: 1 })
    expect(second).toMatchObject({ key: undefined, value: null, headers: {} })
    expect([second?.text(), second?.json()]).toEqual(['', null])
    await consumer.close()
  })

  test('does not show the broker’s own records', async () => {
    const world = new World()
    world.store(0, { value: 'a' }, { value: 'hidden', control: true }, { value: 'b' })
    const collector = new Collector()
    const consumer = world.consumer()
    void consumer.eachMessage(collector.add)
    await drive(world.clock, collector.until(2))
    expect(collector.texts).toEqual(['a', 'b'])
    await turn()
    expect(consumer.positions).toEqual([{ topic: 't', partition: 0, offset: 3 }])
    await consumer.close()
  })

  describe('begins', () => {
    /** Three messages, a second later two more, and one when the consumer has begun: those of partition 0 it got. */
    const begun = async (options: Partial<ConsumerOptions>): Promise<string[]> => {
      const world = new World(2, 3)
      world.clock.advance(1000)
      world.append(0, 2)
      world.append(1, 2)
      const consumer = world.consumer(options)
      const collector = new Collector()
      void consumer.eachMessage(collector.add)
      await world.pass(50)
      world.append(0, 1)
      await world.pass(50)
      await consumer.close()
      return collector.texts.filter((text) => text.startsWith('0'))
    }

    test('at the start by default', async () => {
      expect(await begun({})).toEqual(numbered(0, 0, 6))
    })

    test('at the end', async () => {
      expect(await begun({ from: 'latest' })).toEqual(['0:5'])
    })

    test('at an offset', async () => {
      expect(await begun({ from: { offset: 4 } })).toEqual(['0:4', '0:5'])
    })

    test('at a time', async () => {
      expect(await begun({ from: { time: FAKE_START_MS + 1 } })).toEqual(['0:3', '0:4', '0:5'])
    })

    test('with the partitions it is told', async () => {
      expect(await begun({ partitions: [1] })).toEqual([])
    })
  })

  test('rejects where the topic is not there', async () => {
    const world = new World()
    const consumer = world.consumer({ topic: 'nowhere' })
    await expect(consumer.eachMessage(() => undefined)).rejects.toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    })
    await consumer.close()
  })

  test('ends with an error when the topic goes away', async () => {
    const world = new World(1, 1)
    const consumer = world.consumer({ fetchWaitMs: 100 })
    const run = consumer.eachMessage(() => undefined)
    await turn()
    world.broker.topics.delete('t')
    await expect(drive(world.clock, run)).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
  })

  describe('a position that is no longer in the log', () => {
    const trimmed = (): World => {
      const world = new World(1, 10)
      world.broker.log('t', 0).earliest = 6
      return world
    }

    test('is moved to the start, with a warning', async () => {
      const world = trimmed()
      const collector = new Collector()
      const consumer = world.consumer({ from: { offset: 2 } })
      void consumer.eachMessage(collector.add)
      await drive(world.clock, collector.until(4))
      expect(collector.texts).toEqual(numbered(0, 6, 10))
      expect(world.warnings).toEqual(['OFFSET_RESET'])
      await consumer.close()
    })

    test('is moved to the end where that is wanted', async () => {
      const world = trimmed()
      const collector = new Collector()
      const consumer = world.consumer({ from: { offset: 2 }, offsetReset: 'latest' })
      void consumer.eachMessage(collector.add)
      await world.pass(50)
      world.append(0, 1)
      await drive(world.clock, collector.until(1))
      expect(collector.texts).toEqual(['0:10'])
      await consumer.close()
    })

    test('ends the consumer where that is wanted', async () => {
      const world = trimmed()
      const consumer = world.consumer({ from: { offset: 2 }, offsetReset: 'fail' })
      await expect(
        drive(
          world.clock,
          consumer.eachMessage(() => undefined),
        ),
      ).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    })

    test('behind the end is one too', async () => {
      const world = new World(1, 3)
      const collector = new Collector()
      const consumer = world.consumer({ from: { offset: 50 } })
      void consumer.eachMessage(collector.add)
      await drive(world.clock, collector.until(3))
      expect(collector.texts).toEqual(numbered(0, 0, 3))
      await consumer.close()
    })
  })

  describe('bytes that arrive damaged', () => {
    test('are fetched once more', async () => {
      const world = new World(1, 3)
      const bytes = world.broker.log('t', 0).bytesOf(1)
      const good = bytes.at(-1) as number
      bytes[bytes.length - 1] = good ^ 1
      const collector = new Collector()
      const consumer = world.consumer({
        onWarning: ({ code }) => {
          world.warnings.push(code)
          bytes[bytes.length - 1] = good
        },
      })
      void consumer.eachMessage(collector.add)
      await drive(world.clock, collector.until(3))
      expect(collector.texts).toEqual(numbered(0, 0, 3))
      expect(world.warnings).toEqual(['CORRUPT_REPLY'])
      await consumer.close()
    })

    test('twice end the consumer', async () => {
      const world = new World(1, 3)
      const bytes = world.broker.log('t', 0).bytesOf(1)
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
      const run = world.consumer().eachMessage(() => undefined)
      await expect(drive(world.clock, run)).rejects.toMatchObject({ code: 'CORRUPT_RECORD' })
    })
  })

  describe('an answer to a fetch', () => {
    test('that is cut off is a damaged one', async () => {
      const world = new World(1, 3)
      const { ask } = world.connection
      world.connection.ask = async (asked) => {
        const answer = await ask.call(world.connection, asked)
        return { ...answer, body: isFetch(asked) ? answer.body.subarray(0, -1) : answer.body }
      }
      const run = world.consumer().eachMessage(() => undefined)
      await expect(drive(world.clock, run)).rejects.toMatchObject({ code: 'CORRUPT_RECORD' })
    })

    test('that fails as nobody foresaw is not called damaged', async () => {
      const world = new World(1, 3)
      const { ask } = world.connection
      world.connection.ask = async (asked) => {
        if (isFetch(asked)) throw new TypeError('no such thing')
        return await ask.call(world.connection, asked)
      }
      const run = world.consumer().eachMessage(() => undefined)
      await expect(drive(world.clock, run)).rejects.toMatchObject({
        code: 'UNKNOWN',
        message: 'unexpected: TypeError: no such thing',
      })
    })
  })

  test('waits for a broker that is away, and goes on where it was', async () => {
    const world = new World(1, 3)
    world.broker.fault = () => ({ cut: true })
    const collector = new Collector()
    const consumer = world.consumer()
    void consumer.eachMessage(collector.add)
    await world.pass(500)
    world.broker.fault = () => undefined
    await drive(world.clock, collector.until(3))
    world.broker.fault = () => ({ cut: true })
    world.append(0, 2)
    await world.pass(500)
    world.broker.fault = () => undefined
    await drive(world.clock, collector.until(5))
    expect(collector.texts).toEqual(numbered(0, 0, 5))
    await consumer.close()
  })

  test('holds no more than its prefetch budget while a handler takes its time', async () => {
    const world = new World(3)
    for (let i = 0; i < 300; i += 1) world.store(i % 3, { value: Buffer.alloc(1000) })
    let largest = 0
    let release: (() => void) | undefined
    const blocked = new Promise<void>((resolve) => {
      release = resolve
    })
    let seen = 0
    const consumer = world.consumer({ fetchBytes: 8 * KiB, prefetchBytes: 32 * KiB })
    const run = consumer.eachMessage(async () => {
      largest = Math.max(largest, consumer.bufferedBytes)
      seen += 1
      if (seen === 3) await blocked
      if (seen === 300) void consumer.close()
    })
    await world.pass(1000)
    expect(seen).toBe(3)
    expect(consumer.bufferedBytes).toBeGreaterThan(16 * KiB)
    release?.()
    await drive(world.clock, run)
    expect(largest).toBeLessThanOrEqual(32 * KiB)
    expect(seen).toBe(300)
    expect(consumer.bufferedBytes).toBe(0)
  })

  describe('eachBatch', () => {
    test('gives what came of a partition together, with its lag', async () => {
      const world = new World(2, 4)
      const batches: string[] = []
      const consumer = world.consumer()
      const run = consumer.eachBatch(({ partition, messages, highWatermark }) => {
        batches.push(`${partition}:${messages.length}/${highWatermark}`)
        if (batches.length === 2) void consumer.close()
      })
      await drive(world.clock, run)
      expect(batches).toEqual(['0:4/4', '1:4/4'])
    })

    test('gives no more than maxMessages at once', async () => {
      const world = new World(1, 10)
      const sizes: number[] = []
      const consumer = world.consumer()
      const run = consumer.eachBatch(
        ({ messages }) => {
          sizes.push(messages.length)
          if (sizes.length === 3) void consumer.close()
        },
        { maxMessages: 4 },
      )
      await drive(world.clock, run)
      expect(sizes).toEqual([4, 4, 2])
      expect(consumer.positions[0]?.offset).toBe(10)
    })
  })

  describe('a handler', () => {
    test('that throws ends the run; the message comes again', async () => {
      const world = new World(1, 5)
      const consumer = world.consumer()
      const seen: string[] = []
      const failing = consumer.eachMessage((message) => {
        seen.push(message.text())
        if (seen.length === 3) throw new Error('no')
      })
      await expect(drive(world.clock, failing)).rejects.toThrow('no')
      const run = consumer.eachMessage((message) => {
        seen.push(message.text())
        if (seen.length === 6) void consumer.close()
      })
      await drive(world.clock, run)
      expect(seen).toEqual(['0:0', '0:1', '0:2', '0:2', '0:3', '0:4'])
    })

    test('works on several partitions at once where it may, on each in order', async () => {
      const world = new World(4, 5)
      const working = new Set<number>()
      let most = 0
      const collector = new Collector()
      const consumer = world.consumer()
      const run = consumer.eachMessage(
        async (message) => {
          expect(working.has(message.partition)).toBe(false)
          working.add(message.partition)
          most = Math.max(most, working.size)
          await turn()
          working.delete(message.partition)
          collector.add(message)
        },
        { concurrency: 3 },
      )
      await drive(world.clock, collector.until(20))
      await consumer.close()
      await run
      expect(most).toBe(3)
      for (const p of [0, 1, 2, 3]) {
        expect(collector.texts.filter((text) => text.startsWith(`${p}:`))).toEqual(
          numbered(p, 0, 5),
        )
      }
    })

    test('of one partition that fails lets the others end, and loses nothing of them', async () => {
      const world = new World(2, 50)
      const consumer = world.consumer()
      const seen: string[] = []
      const failing = consumer.eachMessage(
        async (message) => {
          await turn()
          if (message.text() === '0:1') throw new Error('no')
          seen.push(message.text())
        },
        { concurrency: 2 },
      )
      await expect(drive(world.clock, failing)).rejects.toThrow('no')
      expect(seen.length).toBeLessThan(10)
      const run = consumer.eachMessage((message) => {
        seen.push(message.text())
        if (seen.length === 100) void consumer.close()
      })
      await drive(world.clock, run)
      expect(seen.filter((text) => text.startsWith('0:'))).toEqual(numbered(0, 0, 50))
      expect(seen.filter((text) => text.startsWith('1:'))).toEqual(numbered(1, 0, 50))
    })

    test('is told by its signal when the consumer closes', async () => {
      const world = new World(1, 1)
      const consumer = world.consumer()
      const run = consumer.eachMessage(
        (_message, { signal }) =>
          new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => resolve())
          }),
      )
      await turn()
      await consumer.close()
      await run
      expect(consumer.positions[0]?.offset).toBe(1)
    })
  })

  describe('for await', () => {
    test('gives one message after the other and ends with the consumer', async () => {
      const world = new World(1, 5)
      const consumer = world.consumer()
      const seen: string[] = []
      const loop = (async () => {
        for await (const message of consumer) {
          seen.push(message.text())
          if (seen.length === 5) void consumer.close()
        }
      })()
      await drive(world.clock, loop)
      expect(seen).toEqual(numbered(0, 0, 5))
    })

    test('counts a message as processed when the next one is asked for', async () => {
      const world = new World(1, 5)
      const consumer = world.consumer()
      const positions: (number | undefined)[] = []
      for await (const message of consumer) {
        positions.push(consumer.positions[0]?.offset)
        if (message.offset === 2) break
      }
      expect(positions).toEqual([0, 1, 2])
      const seen: string[] = []
      for await (const message of consumer) {
        seen.push(message.text())
        if (message.offset === 4) break
      }
      expect(seen).toEqual(['0:2', '0:3', '0:4'])
      await consumer.close()
    })

    test('throws what ends the consumer', async () => {
      const world = new World(1, 1)
      const consumer = world.consumer({ fetchWaitMs: 50 })
      const loop = (async () => {
        for await (const _ of consumer) world.broker.topics.delete('t')
      })()
      await expect(drive(world.clock, loop)).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
    })
  })

  describe('pause', () => {
    test('stops a partition in the middle of what came of it, resume goes on from there', async () => {
      const world = new World(2, 5)
      const collector = new Collector()
      const consumer = world.consumer()
      void consumer.eachMessage((message) => {
        collector.add(message)
        if (message.text() === '0:1') consumer.pause([{ topic: 't', partition: 0 }])
      })
      await world.pass(100)
      expect(collector.texts).toEqual(['0:0', '0:1', ...numbered(1, 0, 5)])
      expect(consumer.bufferedBytes).toBe(0)
      world.append(0, 1)
      consumer.resume([{ topic: 't', partition: 0 }])
      await drive(world.clock, collector.until(11))
      expect(collector.texts.filter((text) => text.startsWith('0'))).toEqual(numbered(0, 0, 6))
      await consumer.close()
    })

    test('refuses partitions that are not read', async () => {
      const world = new World(1, 1)
      const consumer = world.consumer()
      await consumer.start()
      expect(() => consumer.pause([{ topic: 't', partition: 7 }])).toThrow(
        expect.objectContaining({ code: 'NOT_ASSIGNED' }),
      )
      await consumer.close()
    })
  })

  describe('seek', () => {
    test('goes back and forth, from within a handler too', async () => {
      const world = new World(1, 6)
      const collector = new Collector()
      const consumer = world.consumer()
      void consumer.eachMessage((message) => {
        collector.add(message)
        const place = { topic: 't', partition: 0 }
        if (collector.messages.length === 2) consumer.seek({ ...place, offset: 4 })
        if (collector.messages.length === 4) consumer.seek({ ...place, offset: 3 })
      })
      await drive(world.clock, collector.until(7))
      expect(collector.texts).toEqual(['0:0', '0:1', '0:4', '0:5', '0:3', '0:4', '0:5'])
      await consumer.close()
    })

    test('to a time finds the first message from then on', async () => {
      const world = new World(1, 3)
      world.clock.advance(5000)
      world.append(0, 3)
      const collector = new Collector()
      const consumer = world.consumer({ from: 'latest' })
      void consumer.eachMessage(collector.add)
      await turn()
      expect(await consumer.seekToTime(world.clock.nowMs() - 1000)).toEqual([
        { topic: 't', partition: 0, offset: 3 },
      ])
      await drive(world.clock, collector.until(3))
      expect(collector.texts).toEqual(numbered(0, 3, 6))
      await consumer.close()
    })
  })

  describe('close', () => {
    test('leaves no timer and no request behind', async () => {
      const world = new World(2, 5)
      const consumer = world.consumer()
      const run = consumer.eachMessage(() => undefined)
      await world.pass(100)
      expect(world.connection.underWay).toBe(1)
      await consumer.close()
      await run
      expect(world.connection.underWay).toBe(0)
      expect(world.clock.pendingTimers).toBe(0)
    })

    test('by a signal is the same', async () => {
      const world = new World(1, 5)
      const stop = new AbortController()
      const consumer = world.consumer({ signal: stop.signal })
      const run = consumer.eachMessage(({ offset }) => {
        if (offset === 2) stop.abort()
      })
      await drive(world.clock, run)
      expect(consumer.positions[0]?.offset).toBe(3)
      await turn()
      expect(world.connection.underWay).toBe(0)
      expect(world.clock.pendingTimers).toBe(0)
    })

    test('before it began is no error', async () => {
      const world = new World()
      const run = world.consumer({ signal: AbortSignal.abort() }).eachMessage(() => undefined)
      await run
      expect(world.clock.pendingTimers).toBe(0)
    })

    test('while the broker is away ends the waiting', async () => {
      const world = new World()
      world.broker.fault = () => ({ cut: true })
      const consumer = world.consumer()
      const run = consumer.eachMessage(() => undefined)
      await world.pass(1000)
      await consumer.close()
      await run
      expect(world.clock.pendingTimers).toBe(0)
    })
  })

  test('runs once at a time', async () => {
    const world = new World()
    const consumer = world.consumer()
    const run = consumer.eachMessage(() => undefined)
    await expect(consumer.eachMessage(() => undefined)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    })
    await consumer.close()
    await run
  })
})
