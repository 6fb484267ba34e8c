import { describe, expect, test } from 'vitest'
import type { PublishOutcome } from '../../../src/broker/index.ts'
import { publishReply, rawPublishReply } from '../../../src/listeners/http/publish/replies.ts'

const run = (partition: number, baseOffset: number, count: number) => ({
  ...{ partition, baseOffset, count },
  timestampMs: Date.UTC(2026, 0, 1) + partition,
})
const entry = (partition: number, offset: number, priority = 'normal') => ({
  ...{ partition, offset, priority },
  timestamp: `2026-01-01T00:00:00.00${partition}Z`,
})
const outcome = (
  runs: PublishOutcome['runs'],
  runOfMessage?: readonly number[],
): PublishOutcome => ({
  durability: 'memory',
  runs,
  runOfMessage: runOfMessage === undefined ? undefined : Uint32Array.from(runOfMessage),
})

describe('publish reply', () => {
  test('lists the offsets of one run in order', () => {
    expect(JSON.parse(publishReply(outcome([run(2, 7, 3)]), 1))).toEqual({
      results: [entry(2, 7, 'high'), entry(2, 8, 'high'), entry(2, 9, 'high')],
      durability: 'memory',
    })
    expect(JSON.parse(publishReply(outcome([run(0, 0, 1)]), 2)).results).toEqual([entry(0, 0)])
  })

  test('gives each message the next offset of its own run, in the order of the request', () => {
    const runs = [run(1, 10, 2), run(0, 5, 1)]
    const reply = JSON.parse(publishReply(outcome(runs, [0, 1, 0]), Uint8Array.of(0, 2, 4)))
    expect(reply.results).toEqual([
      entry(1, 10, 'critical'),
      entry(0, 5, 'normal'),
      entry(1, 11, 'background'),
    ])
  })

  test('of one run with several priorities names each', () => {
    const reply = JSON.parse(publishReply(outcome([run(1, 3, 2)]), Uint8Array.of(3, 2)))
    expect(reply.results).toEqual([entry(1, 3, 'low'), entry(1, 4)])
  })

  test('of a raw batch has an entry for each run', () => {
    expect(rawPublishReply(outcome([run(1, 10, 2), run(0, 5, 1)], [0, 1, 0]))).toEqual({
      results: [
        { partition: 1, offset: 10, count: 2, timestamp: '2026-01-01T00:00:00.001Z' },
        { partition: 0, offset: 5, count: 1, timestamp: '2026-01-01T00:00:00.000Z' },
      ],
      durability: 'memory',
    })
  })
})
