/**
 * The whole state out of its bytes.
 *
 *   version | totals | times | topic policies | groups: name, epoch, policy, windows
 *   window   identity, cursors, line of the dying, runs by the gaps between them, with their leases and troubles
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { ByteReader } from './bytes.ts'
import { readCursors } from './cursorBytes.ts'
import { CAUSES, type Holder, type Lease, Run, type RunState, type Trouble } from './run.ts'
import { LANE, LEASE, STATE_BITS, TROUBLE, VERSION, VERSION_1 } from './snapshotFormat.ts'
import { type DeliveryGroup, DeliveryState, noTotals, type Totals } from './state.ts'
import { Window } from './window.ts'

/** To encode: the state of the machine. Decoded: how to put it into the state of another one. */
export type DeliverySnapshot =
  | DeliveryState
  | { readonly restoreInto: (state: DeliveryState) => void }

/** Reads all of it before anything is restored: a snapshot that is cut off restores nothing. */
export function decodeSnapshot(bytes: Buffer): DeliverySnapshot {
  const version = bytes[0]
  if (version !== VERSION && version !== VERSION_1)
    throw new Error(`unknown snapshot version ${version}`)
  // The bytes are gone after the call.
  const copy = Buffer.from(bytes)
  restore(new DeliveryState(), copy)
  return { restoreInto: (state) => restore(state, copy) }
}

function restore(state: DeliveryState, bytes: Buffer): void {
  const reader = new ByteReader(bytes)
  const version = reader.u8()
  state.totals = { ...noTotals(), ...(JSON.parse(reader.text()) as Totals) }
  state.nextWindow = reader.int()
  state.lastMs = reader.int()
  for (const [topic, policy] of JSON.parse(reader.text())) state.topicPolicies.set(topic, policy)
  for (let left = reader.int(); left > 0; left -= 1) {
    const group = state.groupOf(reader.text(), reader.int())
    group.policy = JSON.parse(reader.text())
    const holders = new Map<string, Holder>()
    for (let windows = reader.int(); windows > 0; windows -= 1) {
      state.put(readWindow(reader, { state, group, holders, version }), group)
    }
  }
}

interface Place {
  readonly state: DeliveryState
  readonly group: DeliveryGroup
  /** One for each member of the group. */
  readonly holders: Map<string, Holder>
  readonly version: number
}

function readWindow(reader: ByteReader, { state, group, holders, version }: Place): Window {
  const topic = reader.text()
  const [id, topicId, partition] = [reader.int(), reader.int(), reader.int()]
  const producerId = reader.int()
  const identity = { id, topic, topicId, partition, producerId }
  const window = new Window(identity, group, reader.int(), state)
  window.deathsBegun = reader.int()
  const cursors = version === VERSION_1 ? undefined : readCursors(reader)
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
  const runs: Run[] = []
  for (let left = reader.int(); left > 0; left -= 1) {
    runs.push(readRun(reader, window, runs.at(-1), readLease))
  }
  window.restoreRuns(runs)
  if (window.dying.length > 0) state.dyingIn.add(window)
  return window
}

function readRun(
  reader: ByteReader,
  window: Window,
  before: Run | undefined,
  readLease: () => Lease,
): Run {
  const bits = reader.u8()
  const lane = (bits & LANE) === 0 ? NORMAL_PRIORITY : reader.u8()
  const from = (before?.to ?? 0) + reader.int()
  const run = new Run(window, from, from + reader.int(), (bits & STATE_BITS) as RunState)
  run.lane = lane
  run.deliveries = reader.int()
  run.dueMs = reader.int()
  if ((bits & LEASE.SAME) !== 0) run.lease = before?.lease
  else if ((bits & LEASE.NONE) === 0) run.lease = readLease()
  if ((bits & TROUBLE.SAME) !== 0) run.trouble = before?.trouble
  else if ((bits & TROUBLE.NONE) === 0) run.trouble = readTrouble(reader)
  return run
}

function readTrouble(reader: ByteReader): Trouble {
  const [failures, firstMs, lastMs] = [reader.int(), reader.int(), reader.int()]
  const cause = CAUSES[reader.u8()] ?? 'nack'
  return { failures, firstMs, lastMs, cause, error: reader.text(), isolated: reader.u8() === 1 }
}
