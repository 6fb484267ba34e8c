/** Leases over a restart of a broker with files. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { nodeFileSystem } from '../../../src/io/index.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { openSegmentedEngine } from '../../../src/log/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { House, values } from '../../unit/delivery/house.ts'

async function house(directory: string, clock: FakeClock) {
  const platform = { clock, random: () => 0.5, logger: silentLogger }
  const engine = await openSegmentedEngine({ directory, fileSystem: nodeFileSystem, platform })
  return await new House({ engine, clock }).start()
}

test('a restart in mid-lease hands nothing out twice, and dead letters lie once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const clock = new FakeClock()
  const first = await house(directory, clock)
  await first.topic('t')
  await first.join('a')
  await first.publish('t', 0, ...'abcdef')
  const held = await first.poll({ maxMessages: 5 })
  await first.say('ack', held.slice(0, 1))
  await first.say('nack', held.slice(1, 2), 5_000)
  await first.say('reject', held.slice(2, 3))
  await expect.poll(() => first.delivery.figures().buried).toBe(1)
  await first.stop()
  await first.engine.close()

  const second = await house(directory, clock)
  expect(values(await second.poll())).toBe('f')
  expect(await second.say('ack', held.slice(3))).toEqual(['done', 'done'])
  expect(await second.say('ack', held.slice(0, 1))).toEqual(['done'])
  clock.advance(5_000)
  expect(await second.poll()).toMatchObject([{ value: 'b', deliveries: 2 }])
  expect((await second.stored('t.dlq')).map(({ value }) => `${value}`)).toEqual(['c'])
  expect(second.delivery.figures()).toMatchObject({ acks: 3, nacks: 1, rejects: 1, inFlight: 2 })
  await second.stop()
  await second.engine.close()
})
