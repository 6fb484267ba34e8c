/** A snapshot that is written piece by piece while windows, groups and policies come and go. */
import { describe, expect, test } from 'vitest'
import type { DeliveryCommand } from '../../../src/delivery/machine/events.ts'
import { DeliveryMachine } from '../../../src/delivery/machine/machine.ts'
import { decodeSnapshot } from '../../../src/delivery/machine/snapshot.ts'
import { SnapshotWriter } from '../../../src/delivery/machine/snapshotWriter.ts'
import { wholeSnapshot } from '../../support/wholeSnapshot.ts'

const NOW_MS = 1_000
const MEMBER = 'm'

const open = (group: string, partition: number): DeliveryCommand => ({
  ...{ kind: 'open', group, epochMs: 5, topic: 't', topicId: 1 },
  ...{ partition, cursor: 0 },
})

const lease = (window: number, nonce: number, max = 1): DeliveryCommand => ({
  ...{ kind: 'lease', window, member: MEMBER, nonce, lane: 2, max, end: 1_000_000 },
  ...{ visibilityMs: undefined, isFirst: true, view: undefined },
})

function machineWith(records: number) {
  const policy = { inFlightMax: 100_000, unresolvedMax: 100_000 }
  const machine = new DeliveryMachine({ policy, random: () => 0.5 })
  const run = (command: DeliveryCommand): void => {
    for (const event of machine.decide(command, NOW_MS).events) machine.apply(event)
  }
  for (const [window, group] of [...'gghh'].entries()) {
    run(open(group, window % 2))
    for (let nonce = 0; nonce < records; nonce += 1) run(lease(window + 1, nonce))
  }
  return { machine, run }
}

const CHANGES: readonly (readonly [string, DeliveryCommand])[] = [
  ['a window is dropped', { kind: 'drop', windows: [2] }],
  ['a group is dropped', { kind: 'dropGroup', group: 'h' }],
  ['a window is opened', open('g', 7)],
  ['a group begins', open('new', 0)],
  ['a log loses its end', { kind: 'shorten', window: 3, end: 4 }],
  ['retention takes the beginning', { kind: 'retain', window: 3, start: 99, unread: undefined }],
  ['all is committed', { kind: 'commit', window: 1, to: 1_000 }],
  ['a member dies', { kind: 'part', group: 'g', member: MEMBER, reason: 'died' }],
  ['more is handed out', lease(4, 99, 50)],
  [
    'a group has another policy',
    { kind: 'policy', scope: 'group', name: 'h', epochMs: 5, policy: { maxRetries: 9 } },
  ],
  [
    'a topic has a policy',
    { kind: 'policy', scope: 'topic', name: 't', epochMs: 0, policy: { maxRetries: 9 } },
  ],
]

describe('a snapshot in pieces', () => {
  test.each(CHANGES)('is of its beginning where %s in between', (_, change) => {
    for (let nth = 0; nth < 12; nth += 1) {
      const { machine, run } = machineWith(10)
      const expected = wholeSnapshot(new SnapshotWriter(machine.state))
      const pieces = new SnapshotWriter(machine.state, 7)
      const taken: Uint8Array[] = []
      for (let each = 0; ; each += 1) {
        if (each === nth) run(change)
        const piece = pieces.next()
        if (piece === undefined) break
        taken.push(piece)
      }
      pieces.close()
      expect(taken.length).toBeGreaterThan(5)
      expect(Buffer.concat(taken).equals(expected), `change before piece ${nth}`).toBe(true)
    }
  })

  test('has about two thousand runs in each, however many a window has', () => {
    const { machine } = machineWith(2_500)
    const pieces = new SnapshotWriter(machine.state)
    const taken: Uint8Array[] = []
    for (let piece = pieces.next(); piece !== undefined; piece = pieces.next()) taken.push(piece)
    pieces.close()
    expect(taken.length).toBe(5)
    const bytesOfRun = Buffer.concat(taken).length / 10_000
    for (const { length } of taken) expect(length / bytesOfRun).toBeLessThan(2_200)
    const again = new DeliveryMachine({ random: () => 0.5 })
    again.restore(decodeSnapshot(Buffer.concat(taken)))
    expect(again.state.windows.get(4)).toMatchObject({ leased: 2_500, cursor: 2_500 })
  })

  test('that is not finished keeps nothing, and the next one is written', () => {
    const { machine, run } = machineWith(10)
    const pieces = new SnapshotWriter(machine.state, 7)
    pieces.next()
    expect(() => new SnapshotWriter(machine.state)).toThrow('two snapshots')
    pieces.close()
    expect(pieces.next()).toBeUndefined()
    run({ kind: 'commit', window: 1, to: 1_000 })
    expect(machine.state.frozen).toBeUndefined()
    const again = new DeliveryMachine({ random: () => 0.5 })
    again.restore(decodeSnapshot(wholeSnapshot(new SnapshotWriter(machine.state))))
    expect(again.state.windows.get(1)).toMatchObject({ unresolved: 0, floor: 10 })
  })
})
