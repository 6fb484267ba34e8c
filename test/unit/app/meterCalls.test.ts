import { describe, expect, test } from 'vitest'
import { meterCalls, SCRAPE_CALLER } from '../../../src/app/meterCalls.ts'
import type { Call } from '../../../src/broker/index.ts'
import { INTERNAL_CALLER } from '../../../src/kernel/caller.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { Meters } from '../../../src/observability/index.ts'
import { batchOf } from '../../../src/record/index.ts'

/** Calls pass through; each takes 2 ms by a clock that moves when it is looked at. */
function setup(answer: () => unknown = () => undefined) {
  const meters = new Meters()
  let nowMs = 0
  const clock = {
    nowMs: () => 0,
    monotonicMs: () => {
      nowMs += 2
      return nowMs
    },
    setTimer: () => ({ cancel() {} }),
  }
  const dispatch = meterCalls(meters, clock)(async () => answer())
  const call = (name: Call['name'], input: object, caller = INTERNAL_CALLER) =>
    dispatch({ name, input, caller } as Call)
  const countsOf = (name: string) => [...(meters.operations.get(name)?.counts() ?? [])]
  return { meters, call, countsOf }
}

const refuse = (): never => {
  throw new BrokerError('TOPIC_NOT_FOUND', 'no such topic')
}

describe('metering of calls', () => {
  test('counts success with its duration', async () => {
    const { meters, call, countsOf } = setup()
    await call('topics.list', {})
    await call('topics.list', {})
    expect(countsOf('topics.list')).toEqual([['OK', 2]])
    expect(meters.operations.get('topics.list')?.duration.sum).toBeCloseTo(0.004)
  })

  test('counts failures by code and passes them on', async () => {
    const { call, countsOf } = setup(refuse)
    await expect(call('topics.describe', { name: 'x' })).rejects.toThrow('no such topic')
    expect(countsOf('topics.describe')).toEqual([['TOPIC_NOT_FOUND', 1]])
  })

  test('counts what is no operating error as UNKNOWN', async () => {
    const { call, countsOf } = setup(() => {
      throw new TypeError('bug')
    })
    await expect(call('topics.list', {})).rejects.toThrow('bug')
    expect(countsOf('topics.list')).toEqual([['UNKNOWN', 1]])
  })

  test('counts the messages and bytes of both kinds of publish', async () => {
    const { meters, call } = setup()
    const batch = batchOf({ value: 'xy' }, { value: 'z' })
    await call('records.publish', { topic: 'a', messages: [{ key: 'k', value: 'vv' }] })
    await call('records.publishBatch', { topic: 'a', batch })
    expect(meters.topics.get('a')).toMatchObject({
      publishedMessages: 3,
      publishedBytes: 3 + batch.bytes.length,
    })
  })

  test('counts what was read from one partition and from all', async () => {
    const result = { count: 2, bytes: Buffer.alloc(100) }
    const { meters, call } = setup(() => ({ ...result, parts: [{ result }, { result }] }))
    await call('records.read', { topic: 'a', waitMs: 0 })
    await call('records.readTopic', { topic: 'a', waitMs: 0 })
    expect(meters.topics.get('a')).toMatchObject({ readMessages: 6, readBytes: 300 })
  })

  test('keeps long polls apart from reads that answer at once', async () => {
    const { call, countsOf } = setup(() => ({ count: 0, bytes: Buffer.alloc(0) }))
    await call('records.read', { topic: 'a', waitMs: 0 })
    await call('records.read', { topic: 'a', waitMs: 1000 })
    expect(countsOf('records.read')).toEqual([['OK', 1]])
    expect(countsOf('records.read.wait')).toEqual([['OK', 1]])
  })

  test('makes no figures for a topic that was refused, and drops those of a deleted one', async () => {
    const refused = setup(refuse)
    await expect(refused.call('records.publish', { topic: 'x', messages: [] })).rejects.toThrow()
    expect([...refused.meters.topics.keys()]).toEqual([])
    const { meters, call } = setup()
    await call('records.publish', { topic: 'a', messages: [] })
    await call('topics.delete', { name: 'a' })
    expect([...meters.topics.keys()]).toEqual([])
  })

  test('does not count what a scrape asks', async () => {
    const { meters, call } = setup()
    await call('topics.list', {}, SCRAPE_CALLER)
    expect([...meters.operations.keys()]).toEqual([])
  })
})
