/** The examples of docs/storage-format.md are read by the code as the page says. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { deliveryCodec } from '../../../src/delivery/machine/codec.ts'
import type { DeliveryEvent } from '../../../src/delivery/machine/events.ts'
import { DeliveryMachine } from '../../../src/delivery/machine/machine.ts'
import { SnapshotWriter } from '../../../src/delivery/machine/snapshotWriter.ts'
import { wholeSnapshot } from '../../support/wholeSnapshot.ts'

const page = readFileSync(new URL('../../../docs/storage-format.md', import.meta.url), 'utf8')
const section = page.slice(page.indexOf('## The journal of deliveries'))

const AT_MS = Date.UTC(2026, 0, 1)
const NOTHING = Buffer.alloc(0)

/** Lines of bytes in blocks of the section, in their order. */
const examples = [...section.matchAll(/^(?:[0-9a-f]{2,} )+[0-9a-f]+$/gm)].map(([line]) =>
  Buffer.from(line.replaceAll(' ', ''), 'hex'),
)

describe('the example of', () => {
  test.each<[string, number, DeliveryEvent]>([
    [
      'a hand-out',
      0,
      {
        ...{ type: 'leased', window: 1, nonce: 0x1234, member: 'm1', atMs: AT_MS },
        ...{ deadlineMs: AT_MS + 30_000, lane: 2, ranges: [0, 300], cursors: undefined },
      },
    ],
    [
      'a hand-out of a lane',
      1,
      {
        ...{ type: 'leased', window: 1, nonce: 0x1235, member: 'm1', atMs: AT_MS },
        ...{ deadlineMs: AT_MS + 30_000, lane: 0, ranges: [301, 302] },
        cursors: [302, 301, 301, 301, 301],
      },
    ],
    ['an ack', 2, { type: 'settled', window: 1, by: 'ack', ranges: [2, 0, 7, 2, 8, 300] }],
    [
      'a nack',
      3,
      {
        ...{ type: 'failed', window: 1, cause: 'nack', error: 'busy', atMs: AT_MS },
        waits: [2, 7, 8, AT_MS + 1_000],
      },
    ],
  ])('%s is that event', (_, nth, event) => {
    const bytes = examples[nth] ?? NOTHING
    expect(deliveryCodec.decodeEvent(bytes)).toEqual(event)
    expect(Buffer.from(deliveryCodec.encodeEvent(event))).toEqual(bytes)
  })

  test('a run is how the snapshot of those events ends', () => {
    const machine = new DeliveryMachine({ policy: {}, random: () => 0.5 })
    const opened = { type: 'opened', window: 1, group: 'g', epochMs: AT_MS, topic: 't' } as const
    machine.apply({ ...opened, topicId: 3, partition: 0, producerId: 7, cursor: 0 })
    for (const nth of [0, 2]) machine.apply(deliveryCodec.decodeEvent(examples[nth] ?? NOTHING))
    const run = examples[4] ?? NOTHING
    const snapshot = wholeSnapshot(new SnapshotWriter(machine.state))
    expect(snapshot.subarray(-run.length)).toEqual(run)
    expect(run.length).toBeGreaterThan(20)
  })
})
