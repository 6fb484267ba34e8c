import { describe, expect, test } from 'vitest'
import type { GroupConsumer, Position } from '../../../../src/client/index.ts'
import { BrokerError } from '../../../../src/kernel/errors.ts'
import { KiB } from '../../../../src/kernel/units.ts'
import { drive, turn } from '../../../support/drive.ts'
import { Collector, numbered, World } from './setup.ts'

const partitionsOf = (consumer: GroupConsumer): number[] =>
  consumer.positions.map(({ partition }) => partition).sort()

/** What came in a run, and the run's end. */
function running(consumer: GroupConsumer): Collector & { readonly run: Promise<void> } {
  const collector = new Collector()
  return Object.assign(collector, { run: consumer.eachMessage(collector.add) })
}

describe('GroupConsumer', () => {
  test('alone in its group reads every partition from the start', async () => {
    const world = new World(3, 4)
    const consumer = world.member()
    const { run, ...collector } = running(consumer)
    await world.pass(50)
    expect(partitionsOf(consumer)).toEqual([0, 1, 2])
    expect(collector.messages).toHaveLength(12)
    await consumer.close()
    await run
  })

  test('begins at the end where nothing is committed and that is wanted', async () => {
    const world = new World(1, 4)
    const consumer = world.member({ offsetReset: 'latest' })
    const collector = running(consumer)
    await world.pass(50)
    world.append(0, 1)
    await drive(world.clock, collector.until(1))
    expect(collector.texts).toEqual(['0:4'])
    await consumer.close()
  })

  test('goes on where its group stopped', async () => {
    const world = new World(1, 6)
    const first = world.member()
    const seen = running(first)
    await drive(world.clock, seen.until(6))
    await first.close()
    world.append(0, 2)
    const second = world.member()
    const rest = running(second)
    await drive(world.clock, rest.until(2))
    expect(rest.texts).toEqual(numbered(0, 6, 8))
    await second.close()
  })

  describe('a rebalance', () => {
    test('gives a newcomer its share at once, and what stays is read on', async () => {
      const world = new World(4, 1)
      const first = world.member()
      const a = running(first)
      await world.pass(50)
      const second = world.member()
      const b = running(second)
      await world.pass(50)
      expect([partitionsOf(first), partitionsOf(second)]).toEqual([
        [0, 1],
        [2, 3],
      ])
      for (const p of [0, 1, 2, 3]) world.append(p, 2)
      await world.pass(50)
      expect(a.texts.slice(4).sort()).toEqual([...numbered(0, 1, 3), ...numbered(1, 1, 3)])
      await first.close()
      await world.pass(50)
      expect(partitionsOf(second)).toEqual([0, 1, 2, 3])
      for (const p of [0, 1, 2, 3]) world.append(p, 1)
      await world.pass(50)
      expect(b.texts.slice(-4).sort()).toEqual(['0:3', '1:3', '2:3', '3:3'])
      await second.close()
    })

    test('tells of what goes and what comes, in that order, and waits for both', async () => {
      const world = new World(2, 3)
      const log: string[] = []
      const tell = (what: string) => async (positions: readonly Position[]) => {
        log.push(`${what} begins`)
        await turn()
        log.push(
          `${what} ${positions.map(({ partition, offset }) => `${partition}@${offset}`).join(' ')}`,
        )
      }
      const first = world.member({ onAssigned: tell('+1'), onRevoked: tell('-1') })
      void first.eachMessage((message) => void log.push(`1 ${message.text()}`))
      await world.pass(50)
      expect(log.slice(0, 3)).toEqual(['+1 begins', '+1 0@0 1@0', '1 0:0'])
      log.length = 0
      const second = world.member({ onAssigned: tell('+2') })
      void second.eachMessage((message) => void log.push(`2 ${message.text()}`))
      await world.pass(50)
      // What was processed and not committed before the rebalance comes again: at least once.
      expect(log.filter((line) => line.startsWith('-'))).toEqual(['-1 begins', '-1 1@3'])
      expect(log.filter((line) => line.startsWith('+'))).toEqual(['+2 begins', '+2 1@0'])
      log.length = 0
      await first.close()
      expect(log).toEqual(['-1 begins', '-1 0@3'])
      await second.close()
    })

    test('that the broker goes away in, and a close while it is away, end the run without an error', async () => {
      const world = new World(2, 1)
      let release: () => void = () => undefined
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      const second = world.member()
      const { run: secondRun } = running(second)
      const first = world.member()
      const run = first.eachMessage(() => released)
      await world.pass(50)
      // It joins again, and cannot ask for the committed offsets.
      world.broker.fault = ({ path, method }) =>
        method === 'GET' && path.endsWith('/offsets') ? { cut: true } : undefined
      await second.close()
      await secondRun
      await world.pass(50)
      expect(world.warnings).toEqual(['FETCH_FAILED'])
      const closed = first.close()
      await world.pass(50)
      release()
      await closed
      await expect(run).resolves.toBeUndefined()
    })

    test('that comes while a consumer closes does not lose the commit of what stayed its own', async () => {
      const world = new World(6, 1)
      const first = { client_id: 'a', topics: ['t'] }
      await world.connection.ask({ method: 'POST', path: '/groups/g/join', json: first })
      const [second, third] = [world.member(), world.member()]
      for (const member of [second, third]) {
        void member.eachMessage(() => undefined)
        await member.start()
      }
      await world.pass(50)
      expect(partitionsOf(second)).toEqual([2, 3])
      for (const partition of [2, 3]) world.append(partition, 4)
      await world.pass(50)
      world.broker.groups.evict('g', 'a-0001')
      await second.close()
      // Partition 3 has become the third's, which reads these messages again.
      expect([world.floor(2), world.floor(3)]).toEqual([5, undefined])
      await third.close()
    })

    test('waits for the handler of a partition that goes, and stops after its message', async () => {
      const world = new World(2, 3)
      let release: (() => void) | undefined
      const blocked = new Promise<void>((resolve) => {
        release = resolve
      })
      const seen: string[] = []
      let isRevoked = false
      let wasTold = false
      const first = world.member({
        onRevoked: () => {
          isRevoked = true
        },
      })
      void first.eachMessage(
        async (message, { signal }) => {
          seen.push(message.text())
          signal.addEventListener('abort', () => {
            wasTold = true
          })
          if (message.text() === '1:0') await blocked
        },
        { concurrency: 2 },
      )
      await world.pass(50)
      const second = world.member()
      const other = running(second)
      await world.pass(50)
      expect([isRevoked, wasTold]).toEqual([false, true])
      expect(partitionsOf(second)).toEqual([1])
      release?.()
      await world.pass(50)
      expect(isRevoked).toBe(true)
      expect(seen.filter((text) => text.startsWith('1'))).toEqual(['1:0'])
      expect(other.texts).toEqual(numbered(1, 0, 3))
      await Promise.all([first.close(), second.close()])
    })

    test('commits what stays, so that little is done twice', async () => {
      const world = new World(2, 5)
      const first = world.member()
      running(first)
      await world.pass(50)
      expect(world.floor(0)).toBeUndefined()
      const second = world.member()
      running(second)
      await world.pass(50)
      expect(world.floor(0)).toBe(5)
      await Promise.all([first.close(), second.close()])
    })

    test('that a member slept through costs it nothing that another one did meanwhile', async () => {
      const world = new World(1, 10)
      const group = world.broker.groups.get('g')
      const consumer = world.member({ autoCommitMs: 0 })
      const seen: string[] = []
      let release: (() => void) | undefined
      void consumer.eachMessage(async (message) => {
        seen.push(message.text())
        if (message.offset === 1) {
          await new Promise<void>((resolve) => {
            release = resolve
          })
        }
      })
      await world.pass(50)
      // Another member had the partition between two generations, and committed.
      group.generation += 1
      group.floors.set('t', new Map([[0, 7]]))
      group.rebalance(world.broker)
      await world.pass(50)
      release?.()
      await world.pass(50)
      expect(seen).toEqual(['0:0', '0:1', '0:7', '0:8', '0:9'])
      await consumer.close()
    })

    test('reaches a member whose handler is slow and whose buffer is full', async () => {
      const world = new World(2)
      for (let i = 0; i < 40; i += 1) world.store(i % 2, { value: Buffer.alloc(1000) })
      const first = world.member({ fetchBytes: 4 * KiB, prefetchBytes: 8 * KiB })
      void first.eachMessage(() => new Promise(() => undefined))
      await world.pass(500)
      const second = world.member()
      running(second)
      await world.pass(100)
      expect(first.generation).toBe(second.generation)
      expect(partitionsOf(first)).toEqual([0])
    })

    test('reaches a member without partitions', async () => {
      const world = new World(1, 1)
      const first = world.member()
      running(first)
      await world.pass(50)
      const second = world.member()
      running(second)
      await world.pass(50)
      expect([first, second].map((each) => partitionsOf(each).length).sort()).toEqual([0, 1])
      const [holder, other] = partitionsOf(first).length === 1 ? [first, second] : [second, first]
      await holder.close()
      await world.pass(50)
      expect(partitionsOf(other)).toEqual([0])
      await other.close()
    })
  })

  describe('heartbeats', () => {
    const beats = (world: World): number =>
      world.broker.groups.journal.filter((line) => line.startsWith('POST heartbeat')).length

    test('go on while a handler takes its time', async () => {
      const world = new World(1, 1)
      const consumer = world.member()
      void consumer.eachMessage(() => new Promise(() => undefined))
      await world.pass(10_000, 100)
      expect(beats(world)).toBe(3)
    })

    test('tell of a rebalance where no fetch does', async () => {
      const world = new World(1, 1)
      world.broker.fault = ({ path }) => (path.endsWith('/fetch') ? { cut: true } : undefined)
      const consumer = world.member()
      void consumer.eachMessage(() => undefined)
      await world.pass(100)
      world.broker.groups.get('g').rebalance(world.broker)
      await world.pass(3000, 50)
      expect(consumer.generation).toBe(world.broker.groups.get('g').generation)
      await consumer.close()
    })

    test('that are not answered for a session stop the handlers until they are', async () => {
      const world = new World(1, 3)
      const consumer = world.member({ sessionTimeoutMs: 6000, heartbeatMs: 1000 })
      const seen: string[] = []
      void consumer.eachMessage(async (message) => {
        seen.push(message.text())
        await world.broker.sleep(4000)
      })
      await world.pass(100)
      world.broker.fault = () => ({ cut: true })
      await world.pass(20_000, 100)
      expect(seen).toEqual(['0:0', '0:1'])
      world.broker.fault = () => undefined
      await world.pass(20_000, 100)
      expect(seen).toEqual(['0:0', '0:1', '0:2'])
      await drive(world.clock, consumer.close(), 100)
    })
  })

  test('evicted while it was away joins anew and gets its partitions from what was committed', async () => {
    const world = new World(1, 4)
    const revoked: number[] = []
    const consumer = world.member({
      autoCommitMs: 0,
      onRevoked: (positions) => void revoked.push(positions.length),
    })
    const collector = running(consumer)
    await drive(world.clock, collector.until(4))
    await consumer.commit([{ topic: 't', partition: 0, offset: 2 }])
    world.broker.groups.evict('g', consumer.memberId ?? '')
    await drive(world.clock, collector.until(6))
    expect(collector.texts.slice(4)).toEqual(numbered(0, 2, 4))
    expect(revoked).toEqual([1])
    expect(world.warnings).toEqual(['MEMBERSHIP_LOST'])
    await consumer.close()
  })

  test('joins anew where a power cut at the broker took the group before its offsets were asked for', async () => {
    const world = new World(1, 3)
    let isGone = true
    world.broker.fault = ({ path, method }) => {
      if (!isGone || method !== 'GET' || !path.endsWith('/offsets')) return undefined
      isGone = false
      return { refuse: new BrokerError('GROUP_NOT_FOUND', 'there is no group g') }
    }
    const consumer = world.member()
    const { run, ...collector } = running(consumer)
    await world.pass(200)
    expect(isGone).toBe(false)
    expect(world.warnings).toEqual(['MEMBERSHIP_LOST'])
    expect(new Set(collector.messages.map((each) => each.text()))).toEqual(
      new Set(numbered(0, 0, 3)),
    )
    await consumer.close()
    await run
  })

  test('waits for a broker that is away when it starts', async () => {
    const world = new World(1, 2)
    world.broker.fault = () => ({ cut: true })
    const consumer = world.member()
    const collector = running(consumer)
    await world.pass(2000, 50)
    world.broker.fault = () => undefined
    await drive(world.clock, collector.until(2))
    await consumer.close()
  })

  test('ends with what the group says for good', async () => {
    const world = new World(1)
    world.broker.fault = ({ path }) =>
      path.endsWith('/join')
        ? { refuse: new BrokerError('GROUP_MODE_CONFLICT', 'ack mode') }
        : undefined
    const consumer = world.member()
    await expect(consumer.eachMessage(() => undefined)).rejects.toMatchObject({
      code: 'GROUP_MODE_CONFLICT',
    })
    await consumer.close()
    expect(world.clock.pendingTimers).toBe(0)
  })

  test('ends with what a hook throws', async () => {
    const world = new World(1)
    const consumer = world.member({
      onAssigned: () => {
        throw new Error('no')
      },
    })
    await expect(consumer.eachMessage(() => undefined)).rejects.toThrow('no')
    await consumer.close()
  })

  describe('commits', () => {
    test('by itself every five seconds, only what handlers are done with', async () => {
      const world = new World(1, 3)
      const consumer = world.member()
      void consumer.eachMessage((message) =>
        message.offset === 2 ? new Promise(() => undefined) : undefined,
      )
      await world.pass(4900, 100)
      expect(world.floor()).toBeUndefined()
      await world.pass(200, 100)
      expect(world.floor()).toBe(2)
    })

    test('when it closes', async () => {
      const world = new World(1, 3)
      const consumer = world.member()
      const collector = running(consumer)
      await drive(world.clock, collector.until(3))
      await consumer.close()
      expect(world.floor()).toBe(3)
    })

    test('never by itself where that is wanted', async () => {
      const world = new World(1, 3)
      const consumer = world.member({ autoCommitMs: 0 })
      const collector = running(consumer)
      await drive(world.clock, collector.until(3))
      await world.pass(20_000, 1000)
      await consumer.close()
      expect(world.floor()).toBeUndefined()
    })

    test('a message and all before it', async () => {
      const world = new World(1, 5)
      const consumer = world.member({ autoCommitMs: 0 })
      for await (const message of consumer) {
        if (message.offset === 2) await consumer.commit(message)
        if (message.offset === 3) break
      }
      expect(world.floor()).toBe(3)
      await consumer.commit()
      expect(world.floor()).toBe(3)
      await consumer.close()
    })

    test('not what is another member’s by now', async () => {
      const world = new World(2, 1)
      const first = world.member()
      running(first)
      await world.pass(50)
      const second = world.member()
      running(second)
      await world.pass(50)
      const [lost] = partitionsOf(second)
      const positions = [{ topic: 't', partition: lost ?? -1, offset: 1 }]
      await expect(first.commit(positions)).rejects.toMatchObject({ code: 'NOT_ASSIGNED' })
      await Promise.all([first.close(), second.close()])
    })

    test('again after a rebalance that came in between', async () => {
      const world = new World(1, 3)
      const consumer = world.member({ autoCommitMs: 0 })
      const collector = running(consumer)
      await drive(world.clock, collector.until(3))
      world.broker.groups.get('g').generation += 1
      await consumer.commit()
      expect(world.floor()).toBe(3)
      await consumer.close()
    })

    test('that fail by themselves are warned of and tried again', async () => {
      const world = new World(1, 3)
      world.broker.fault = ({ path, method }) =>
        method === 'POST' && path.endsWith('/offsets') ? { cut: true } : undefined
      const consumer = world.member()
      const collector = running(consumer)
      await drive(world.clock, collector.until(3))
      await world.pass(6000, 100)
      expect(world.warnings).toEqual(['COMMIT_FAILED'])
      world.broker.fault = () => undefined
      await world.pass(5000, 100)
      expect(world.floor()).toBe(3)
      await consumer.close()
    })
  })

  describe('onAssigned', () => {
    test('may seek before the first message, and pause', async () => {
      const world = new World(2, 5)
      const consumer: GroupConsumer = world.member({
        onAssigned: async (positions) => {
          await consumer.seekToTime(world.clock.nowMs(), positions.slice(0, 1))
          consumer.seek({ topic: 't', partition: 0, offset: 3 })
          consumer.pause(positions.slice(1))
        },
      })
      const collector = running(consumer)
      await world.pass(100)
      expect(collector.texts).toEqual(numbered(0, 3, 5))
      await consumer.close()
    })
  })

  describe('close', () => {
    test('leaves the group, no timer and no request behind', async () => {
      const world = new World(2, 3)
      const consumer = world.member()
      const { run } = running(consumer)
      await world.pass(100)
      await consumer.close()
      await run
      expect(world.broker.groups.get('g').members.size).toBe(0)
      expect(world.connection.underWay).toBe(0)
      expect(world.clock.pendingTimers).toBe(0)
    })

    test('by a signal waits for the handler and commits its message', async () => {
      const world = new World(1, 5)
      const stop = new AbortController()
      const consumer = world.member({ signal: stop.signal })
      const run = consumer.eachMessage(async ({ offset }) => {
        if (offset === 2) stop.abort()
        await turn()
      })
      await drive(world.clock, run)
      await consumer.close()
      expect(world.floor()).toBe(3)
      expect(world.clock.pendingTimers).toBe(0)
      expect(world.connection.underWay).toBe(0)
    })

    test('of a member with an id of its own keeps its place until the session ends', async () => {
      const world = new World(1, 3)
      const first = world.member({ memberId: 'worker-1' })
      const collector = running(first)
      await drive(world.clock, collector.until(3))
      await first.close()
      const { generation } = world.broker.groups.get('g')
      expect(world.clock.pendingTimers).toBe(0)
      const second = world.member({ memberId: 'worker-1' })
      running(second)
      await world.pass(50)
      expect(world.broker.groups.get('g').generation).toBe(generation)
      expect(partitionsOf(second)).toEqual([0])
      await second.close()
    })

    test('while the broker is away does not wait for it', async () => {
      const world = new World(1, 3)
      const consumer = world.member()
      const collector = running(consumer)
      await drive(world.clock, collector.until(3))
      world.broker.fault = () => ({ cut: true })
      await consumer.close()
      expect(world.clock.pendingTimers).toBe(0)
    })
  })

  test('refuses options out of their bounds', () => {
    const world = new World()
    expect(() => world.member({ heartbeatMs: 40_000, fetchBytes: 0 })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    )
  })
})
