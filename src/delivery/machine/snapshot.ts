/**
 * The whole state as bytes. The machine's state itself is handed over and encoded in the same turn: no copy of a
 * million runs is made on the way.
 *
 *   version | totals | times | topic policies | groups: name, epoch, policy, windows
 *   window   identity, cursors, line of the dying, runs by the gaps between them, with their leases and troubles
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { putCursors, readCursors } from './cursorBytes.ts'
import { CAUSES, type Holder, type Lease, Run, type RunState, type Trouble } from './run.ts'
import { type DeliveryGroup, DeliveryState, noTotals, type Totals } from './state.ts'
import { Window } from './window.ts'

/** To encode: the state of the machine. Decoded: how to put it into the state of another one. */
export type DeliverySnapshot =
  | DeliveryState
  | { readonly restoreInto: (state: DeliveryState) => void }

const VERSION = 2
/** Without lanes: all is normal. */
const VERSION_1 = 1

export function encodeSnapshot(snapshot: DeliverySnapshot): Uint8Array {
  if (!(snapshot instanceof DeliveryState)) throw new Error('no state to encode')
  const writer = new ByteWriter()
  writer.u8(VERSION)
  writer.text(JSON.stringify(snapshot.totals))
  writer.int(snapshot.nextWindow)
  writer.int(snapshot.lastMs)
  writer.text(JSON.stringify([...snapshot.topicPolicies]))
  writer.int(snapshot.groups.size)
  for (const group of snapshot.groups.values()) {
    writer.text(group.name)
    writer.int(group.epochMs)
    writer.text(JSON.stringify(group.policy))
    const windows = [...group.allWindows()]
    writer.int(windows.length)
    for (const window of windows) putWindow(writer, window)
  }
  return writer.take()
}

function putWindow(writer: ByteWriter, window: Window): void {
  const { id, topic, topicId, partition, producerId, cursor, deathsBegun } = window
  writer.text(topic)
  for (const each of [id, topicId, partition, producerId, cursor, deathsBegun]) writer.int(each)
  putCursors(writer, window.cursors)
  writer.ints(window.retired.flat())
  writer.int(window.runs.length)
  const holders = new Map<string, number>()
  let before: Run | undefined
  for (const run of window.runs) {
    putRun(writer, run, before, holders)
    before = run
  }
}

/** What a run shares with the one before it is said by a bit: a batch that was cut up is written once. */
const STATE_BITS = 0x03
const LEASE = { SAME: 0x04, NONE: 0x08 } as const
const TROUBLE = { SAME: 0x10, NONE: 0x20 } as const
/** Its lane is not `normal` and follows. */
const LANE = 0x40

function putRun(
  writer: ByteWriter,
  run: Run,
  before: Run | undefined,
  holders: Map<string, number>,
): void {
  const { lease, trouble } = run
  const sameLease = lease !== undefined && lease === before?.lease
  const sameTrouble = trouble !== undefined && trouble === before?.trouble
  const leaseBits = sameLease ? LEASE.SAME : lease === undefined ? LEASE.NONE : 0
  const troubleBits = sameTrouble ? TROUBLE.SAME : trouble === undefined ? TROUBLE.NONE : 0
  const laneBits = run.lane === NORMAL_PRIORITY ? 0 : LANE
  writer.u8(run.state | leaseBits | troubleBits | laneBits)
  if (laneBits !== 0) writer.u8(run.lane)
  writer.int(run.from - (before?.to ?? 0))
  writer.int(run.size)
  writer.int(run.deliveries)
  writer.int(run.dueMs)
  if (lease !== undefined && !sameLease) putLease(writer, lease, holders)
  if (trouble !== undefined && !sameTrouble) putTrouble(writer, trouble)
}

/** A holder is a number, and at its first place its name too. */
function putLease(writer: ByteWriter, lease: Lease, holders: Map<string, number>): void {
  const { nonce, holder, atMs } = lease
  writer.int(nonce)
  writer.int(atMs)
  const known = holders.get(holder.id)
  writer.int(known ?? holders.size)
  if (known !== undefined) return
  holders.set(holder.id, holders.size)
  writer.text(holder.id)
}

function putTrouble(writer: ByteWriter, trouble: Trouble): void {
  const { failures, firstMs, lastMs, cause, error, isolated } = trouble
  for (const each of [failures, firstMs, lastMs]) writer.int(each)
  writer.u8(CAUSES.indexOf(cause))
  writer.text(error)
  writer.u8(isolated ? 1 : 0)
}

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
