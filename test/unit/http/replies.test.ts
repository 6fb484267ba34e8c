import { describe, expect, test } from 'vitest'
import type { PublishOutcome } from '../../../src/broker/index.ts'
import { publishReply, rawPublishReply } from '../../../src/listeners/http/publish/replies.ts'

const NOW_MS = Date.UTC(2026, 0, 1) + 7
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
    expect(
      JSON.parse(publishReply(outcome([run(2, 7, 3)]), { priorities: 1, nowMs: NOW_MS })),
    ).toEqual({
      results: [entry(2, 7, 'high'), entry(2, 8, 'high'), entry(2, 9, 'high')],
      durability: 'memory',
    })
    expect(
      JSON.parse(publishReply(outcome([run(0, 0, 1)]), { priorities: 2, nowMs: NOW_MS })).results,
    ).toEqual([entry(0, 0)])
  })

  test('gives each message the next offset of its own run, in the order of the request', () => {
    const runs = [run(1, 10, 2), run(0, 5, 1)]
    const reply = JSON.parse(
      publishReply(outcome(runs, [0, 1, 0]), { priorities: Uint8Array.of(0, 2, 4), nowMs: NOW_MS }),
    )
    expect(reply.results).toEqual([
      entry(1, 10, 'critical'),
      entry(0, 5, 'normal'),
      entry(1, 11, 'background'),
    ])
  })

  test('of one run with several priorities names each', () => {
    const reply = JSON.parse(
      publishReply(outcome([run(1, 3, 2)]), { priorities: Uint8Array.of(3, 2), nowMs: NOW_MS }),
    )
    expect(reply.results).toEqual([entry(1, 3, 'low'), entry(1, 4)])
  })

  test('of acks none says -1 for offsets that nobody knows yet, and the time of the reply', () => {
    const queued = (partition: number, count: number) => ({
      ...{ partition, baseOffset: 0, count, timestampMs: 0 },
    })
    const unknown = (partition: number) => ({
      ...entry(partition, -1),
      timestamp: entry(7, 0).timestamp,
    })
    const one = publishReply(outcome([queued(0, 2)]), { priorities: 2, nowMs: NOW_MS })
    expect(JSON.parse(one).results).toEqual([unknown(0), unknown(0)])
    const runs = [queued(0, 2), queued(1, 1)]
    const mixed = publishReply(outcome(runs, [0, 1, 0]), { priorities: 2, nowMs: NOW_MS })
    expect(JSON.parse(mixed).results).toEqual([unknown(0), unknown(1), unknown(0)])
    expect(rawPublishReply(outcome(runs), NOW_MS).results).toMatchObject([
      { offset: -1 },
      { offset: -1 },
    ])
  })

  test('of a raw batch has an entry for each run', () => {
    expect(rawPublishReply(outcome([run(1, 10, 2), run(0, 5, 1)], [0, 1, 0]), NOW_MS)).toEqual({
      results: [
        { partition: 1, offset: 10, count: 2, timestamp: '2026-01-01T00:00:00.001Z' },
        { partition: 0, offset: 5, count: 1, timestamp: '2026-01-01T00:00:00.000Z' },
      ],
      durability: 'memory',
    })
  })
})
