/**
 * The whole state as bytes. The machine's state itself is handed over and encoded in the same turn: no copy of a
 * million runs is made on the way.
 *
 *   version | totals | times | topic policies | groups: name, epoch, policy, windows
 *   window   identity, cursor, line of the dying, leases and troubles that its runs share, runs by their gaps
 */
import { ByteReader, ByteWriter } from './bytes.ts'
import { CAUSES, type Holder, type Lease, Run, type RunState, type Trouble } from './run.ts'
import { type DeliveryGroup, DeliveryState, noTotals, type Totals } from './state.ts'
import { Window } from './window.ts'

/** To encode: the state of the machine. Decoded: how to put it into the state of another one. */
export type DeliverySnapshot =
  | DeliveryState
  | { readonly restoreInto: (state: DeliveryState) => void }

const VERSION = 1

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
  writer.ints(window.retired.flat())
  const leases = numbered(window.runs, ({ lease }) => lease)
  writer.int(leases.size)
  for (const lease of leases.keys()) putLease(writer, lease)
  const troubles = numbered(window.runs, ({ trouble }) => trouble)
  writer.int(troubles.size)
  for (const trouble of troubles.keys()) putTrouble(writer, trouble)
  writer.int(window.runs.length)
  let at = 0
  for (const run of window.runs) {
    writer.u8(run.state)
    writer.int(run.from - at)
    writer.int(run.size)
    writer.int(run.deliveries)
    writer.int(run.dueMs)
    writer.int(run.lease === undefined ? 0 : (leases.get(run.lease) ?? 0))
    writer.int(run.trouble === undefined ? 0 : (troubles.get(run.trouble) ?? 0))
    at = run.to
  }
}

/** Each of what runs share, with its number from 1. */
function numbered<T>(runs: readonly Run[], part: (run: Run) => T | undefined): Map<T, number> {
  const numbers = new Map<T, number>()
  for (const run of runs) {
    const shared = part(run)
    if (shared !== undefined && !numbers.has(shared)) numbers.set(shared, numbers.size + 1)
  }
  return numbers
}

function putLease(writer: ByteWriter, { nonce, holder, atMs }: Lease): void {
  writer.int(nonce)
  writer.text(holder.id)
  writer.int(atMs)
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
  if (version !== VERSION) throw new Error(`unknown snapshot version ${version}`)
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
  window.deathsBegun = reader.int()
  window.retired.restore(reader.ints())
  const leases: Lease[] = []
  for (let left = reader.int(); left > 0; left -= 1) {
    const [nonce, id, atMs] = [reader.int(), reader.text(), reader.int()]
    const holder = holders.get(id) ?? { id, inFlight: 0 }
    holders.set(id, holder)
    leases.push({ nonce, holder, atMs })
  }
  const troubles: Trouble[] = []
  for (let left = reader.int(); left > 0; left -= 1) troubles.push(readTrouble(reader))
  const runs: Run[] = []
  let at = 0
  for (let left = reader.int(); left > 0; left -= 1) {
    const runState = reader.u8() as RunState
    const from = at + reader.int()
    const run = new Run(window, from, from + reader.int(), runState)
    run.deliveries = reader.int()
    run.dueMs = reader.int()
    run.lease = leases[reader.int() - 1]
    run.trouble = troubles[reader.int() - 1]
    runs.push(run)
    at = run.to
  }
  window.restoreRuns(runs)
  if (window.dying.length > 0) state.dyingIn.add(window)
  return window
}

function readTrouble(reader: ByteReader): Trouble {
  const [failures, firstMs, lastMs] = [reader.int(), reader.int(), reader.int()]
  const cause = CAUSES[reader.u8()] ?? 'nack'
  return { failures, firstMs, lastMs, cause, error: reader.text(), isolated: reader.u8() === 1 }
}
