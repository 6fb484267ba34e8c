import { expect, test } from 'vitest'
import { meterCalls } from '../../../src/app/meterCalls.ts'
import type { Call } from '../../../src/broker/index.ts'
import { INTERNAL_CALLER } from '../../../src/kernel/caller.ts'
import { Meters } from '../../../src/observability/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'

const bytes = Buffer.alloc(10)
const fetched = [
  { index: 1, result: { bytes, count: 3 } },
  { index: 0, error: new Error('gone') },
]
const reads = [{ topic: 'a' }, { topic: 'b' }]
const parts = [{ topic: 'b', bytes, count: 3 }]

test.each([
  ['records.fetch', { reads }, fetched, 3],
  ['groups.fetch', { reads }, { rebalance: false, value: fetched }, 3],
  ['groups.fetch', { reads }, { rebalance: true }, undefined],
  ['groups.poll', {}, { rebalance: false, value: { parts } }, 3],
  ['groups.poll', {}, { rebalance: true }, undefined],
])('%s counts what it read, by topic: %#', async (name, input, output, messages) => {
  const meters = new Meters()
  const dispatch = meterCalls(meters, new FakeClock())(async () => output)
  await dispatch({ name, input, caller: INTERNAL_CALLER } as Call)
  expect(meters.topics.get('b')?.readMessages).toBe(messages)
  expect(meters.topics.has('a')).toBe(false)
})
