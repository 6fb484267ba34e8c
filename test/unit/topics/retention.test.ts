import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { memoryEngine } from '../../../src/log/index.ts'
import { batchOf } from '../../../src/record/index.ts'
import { Topics } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { topicsWorld, turn } from '../../support/topicsWorld.ts'

describe('retention', () => {
  test('asks every partition once a minute, with the policy of its topic at that time', async () => {
    const { topics, engine, clock } = await topicsWorld()
    await topics.create({ name: 'a', partitions: 2, config: { retentionMs: 5000 } })
    await topics.create({ name: 'kept', config: { retentionMs: null } })
    clock.advance(59_999)
    expect(engine.retained).toEqual([])
    clock.advance(1)
    await turn()
    expect(engine.retained).toEqual(
      [0, 1].map((i) => ({ path: `topics/a~1/${i}`, policy: { maxAgeMs: 5000 } })),
    )
    await topics.configure('a', { retentionMs: null, retentionBytes: 100 })
    clock.advance(60_000)
    await turn()
    expect(engine.retained.slice(2).map((each) => each.policy)).toEqual([
      { maxBytes: 100 },
      { maxBytes: 100 },
    ])
  })

  test('old segments go, and the stop ends the timer', async () => {
    const clock = new FakeClock()
    const platform = { clock, random: () => 0, logger: silentLogger }
    const topics = new Topics({ engine: memoryEngine(platform), platform })
    await topics.start()
    const config = { segmentBytes: 1024, retentionMs: 60_000 }
    const topic = await topics.create({ name: 'a', partitions: 1, config })
    for (let i = 0; i < 20; i += 1) {
      await topic.partition(0).append(batchOf({ value: 'x'.repeat(200) }), 'all')
    }
    await topics.runRetention()
    expect(topic.partition(0).offsets().start).toBe(0)
    clock.advance(120_001)
    await topics.runRetention()
    expect(topic.partition(0).offsets().start).toBeGreaterThan(10)
    await topics.stop()
    expect(clock.pendingTimers).toBe(0)
  })
})
