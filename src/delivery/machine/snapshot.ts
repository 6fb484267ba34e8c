/**
 * The whole state out of its bytes.
 *
 *   version | totals | times | topic policies | groups: name, epoch, policy, windows
 *   window   identity, cursors, line of the dying, runs by the gaps between them, with their leases and troubles
 */
import { BrokerError } from '../../kernel/errors.ts'
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { ByteReader } from './bytes.ts'
import { readCursors } from './cursorBytes.ts'
import { sizeOf } from './events.ts'
import { membersOf } from './members.ts'
import {
  CAUSES,
  type Holder,
  type Lease,
  type RunId,
  type RunState,
  type RunView,
  type Trouble,
} from './run.ts'
import type { RunTable } from './runTable.ts'
import { LANE, LEASE, SCATTERED, STATE_BITS, TROUBLE, VERSION } from './snapshotFormat.ts'
import { type DeliveryGroup, DeliveryState, noTotals, type Totals } from './state.ts'
import { Window } from './window.ts'

/** To encode: the state of the machine. Decoded: how to put it into the state of another one. */
export type DeliverySnapshot =
  | DeliveryState
  | { readonly restoreInto: (state: DeliveryState) => void }

/** Reads all of it before anything is restored: a snapshot that is cut off restores nothing. */
export function decodeSnapshot(bytes: Buffer): DeliverySnapshot {
  const version = bytes[0]
  if (version !== VERSION) {
    throw new BrokerError('FORMAT_TOO_NEW', `unknown snapshot version ${version}`)
  }
  // The bytes are gone after the call.
  const copy = Buffer.from(bytes)
  restore(new DeliveryState(), copy)
  return { restoreInto: (state) => restore(state, copy) }
}

function restore(state: DeliveryState, bytes: Buffer): void {
  const reader = new ByteReader(bytes)
  reader.u8()
  state.totals = { ...noTotals(), ...(JSON.parse(reader.text()) as Totals) }
  state.nextWindow = reader.int()
  state.lastMs = reader.int()
  for (const [topic, policy] of JSON.parse(reader.text())) state.topicPolicies.set(topic, policy)
  for (let left = reader.int(); left > 0; left -= 1) {
    const group = state.groupOf(reader.text(), reader.int())
    group.policy = JSON.parse(reader.text())
    const holders = new Map<string, Holder>()
    for (let windows = reader.int(); windows > 0; windows -= 1) {
      state.put(readWindow(reader, { state, group, holders }), group)
    }
  }
}

interface Place {
  readonly state: DeliveryState
  readonly group: DeliveryGroup
  /** One for each member of the group. */
  readonly holders: Map<string, Holder>
}

function readWindow(reader: ByteReader, { state, group, holders }: Place): Window {
  const topic = reader.text()
  const [id, topicId, partition] = [reader.int(), reader.int(), reader.int()]
  const producerId = reader.int()
  const identity = { id, topic, topicId, partition, producerId }
  const window = new Window(identity, group, reader.int(), state)
  const deathsBegun = reader.int()
  const cursors = readCursors(reader)
  if (cursors !== undefined) window.moveTo(cursors)
  window.retired.restore(reader.ints())
  const names: string[] = []
  const readLease = (): Lease => {
    const [nonce, atMs, index] = [reader.int(), reader.int(), reader.int()]
    if (index === names.length) names.push(reader.text())
    const name = names[index] ?? ''
    const holder = holders.get(name) ?? { id: name, inFlight: 0 }
    holders.set(name, holder)
    return { nonce, holder, atMs }
  }
  let before: RunView | undefined
  for (let left = reader.int(); left > 0; left -= 1) {
    before = readRun(reader, window, before, readLease)
  }
  window.restored(deathsBegun)
  if (window.dying.length > 0) state.dyingIn.add(window)
  return window
}

/** Each lane begins anew. */
const placeBehind = (before: RunView | undefined, lane: number): number =>
  before?.lane === lane ? before.to : 0

function readRun(
  reader: ByteReader,
  window: Window,
  before: RunView | undefined,
  readLease: () => Lease,
): RunView {
  const { table } = window
  const bits = reader.u8()
  const lane = (bits & LANE) === 0 ? NORMAL_PRIORITY : reader.u8()
  const from = placeBehind(before, lane) + reader.int()
  const to = from + reader.int()
  const state = (bits & STATE_BITS) as RunState
  const run = table.add({ window: window.id, lane, state, from, to, size: to - from })
  table.setDeliveries(run, reader.int())
  table.dueMs[run] = reader.int()
  if ((bits & LEASE.SAME) !== 0) table.setLease(run, before?.lease)
  else if ((bits & LEASE.NONE) === 0) table.setLease(run, readLease())
  const trouble = (bits & TROUBLE.SAME) !== 0 ? before?.trouble : undefined
  if (trouble !== undefined) table.setTrouble(run, trouble)
  else if ((bits & TROUBLE.NONE) === 0) table.setTrouble(run, readTrouble(reader))
  if ((bits & SCATTERED) !== 0) readMembers(reader, table, run)
  window.restoreRun(run)
  return table.view(run)
}

function readMembers(reader: ByteReader, table: RunTable, run: RunId): void {
  const ranges: number[] = []
  let before = table.from[run] as number
  for (let left = reader.int(); left > 0; left -= 1) {
    before += reader.int()
    ranges.push(before)
  }
  const size = sizeOf(ranges)
  table.count[run] = size
  table.setMembers(run, membersOf(ranges, size))
}

function readTrouble(reader: ByteReader): Trouble {
  const [failures, firstMs, lastMs] = [reader.int(), reader.int(), reader.int()]
  const cause = CAUSES[reader.u8()] ?? 'nack'
  return { failures, firstMs, lastMs, cause, error: reader.text(), isolated: reader.u8() === 1 }
}
