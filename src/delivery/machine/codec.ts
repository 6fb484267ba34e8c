/** Events as bytes: one for the kind, then its numbers. What a newer broker wrote is refused, never skipped. */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import type { SnapshotPieces, StateCodec } from '../../state/index.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { putCursors, readCursors } from './cursorBytes.ts'
import { type DeliveryEvent, SETTLED_BY, type WindowEvent } from './events.ts'
import { CAUSES } from './run.ts'
import { type DeliverySnapshot, decodeSnapshot } from './snapshot.ts'
import { SnapshotWriter } from './snapshotWriter.ts'
import { DeliveryState } from './state.ts'

const KINDS = [
  'opened',
  'dropped',
  'groupDropped',
  'leased',
  'settled',
  'failed',
  'released',
  'extended',
  'dying',
  'buried',
  'retained',
  'policy',
  // The same where five lanes are told apart.
  'leased',
  'retained',
  'shortened',
] as const satisfies readonly DeliveryEvent['type'][]

const LEASED_IN_LANE = KINDS.lastIndexOf('leased')
const RETAINED_IN_LANES = KINDS.lastIndexOf('retained')

const writer = new ByteWriter()

function encodeEvent(event: DeliveryEvent): Uint8Array {
  writer.u8(kindOf(event))
  switch (event.type) {
    case 'opened':
      writer.int(event.window)
      writer.text(event.group)
      writer.int(event.epochMs)
      writer.text(event.topic)
      for (const each of [event.topicId, event.partition, event.producerId]) writer.int(each)
      writer.int(event.cursor)
      break
    case 'groupDropped':
      writer.text(event.group)
      break
    case 'policy':
      writer.text(JSON.stringify(event))
      break
    default:
      putWindowEvent(event)
  }
  return writer.take()
}

function kindOf(event: DeliveryEvent): number {
  if (event.type === 'leased' && isInLane(event)) return LEASED_IN_LANE
  if (event.type === 'retained' && event.unread !== undefined) return RETAINED_IN_LANES
  return KINDS.indexOf(event.type)
}

const isInLane = ({ lane, cursors }: WindowEvent & { type: 'leased' }): boolean =>
  lane !== NORMAL_PRIORITY || cursors !== undefined

function putWindowEvent(event: WindowEvent): void {
  writer.int(event.window)
  switch (event.type) {
    case 'leased':
      writer.int(event.nonce)
      writer.text(event.member)
      writer.int(event.atMs)
      writer.int(event.deadlineMs - event.atMs)
      putRanges(event.ranges)
      if (isInLane(event)) putLane(event.lane, event.cursors)
      return
    case 'settled':
      writer.u8(SETTLED_BY.indexOf(event.by))
      putRanges(event.ranges)
      return
    case 'failed':
      writer.u8(CAUSES.indexOf(event.cause))
      writer.text(event.error)
      writer.int(event.atMs)
      writer.ints(event.waits)
      return
    case 'released':
      writer.u8(event.takenBack ? 1 : 0)
      putRanges(event.ranges)
      return
    case 'extended':
      writer.int(event.deadlineMs)
      putRanges(event.ranges)
      return
    case 'dying':
      writer.u8(CAUSES.indexOf(event.cause))
      writer.text(event.error)
      writer.int(event.atMs)
      putRanges(event.ranges)
      return
    case 'buried':
      putRanges(event.ranges)
      return
    case 'retained':
      writer.int(event.start)
      if (event.unread !== undefined) writer.int(event.unread)
      return
    case 'shortened':
      writer.int(event.end)
      return
    case 'dropped':
      return
  }
}

function putLane(lane: number, cursors: readonly number[] | undefined): void {
  writer.u8(lane)
  putCursors(writer, cursors)
}

const putRanges = (ranges: readonly number[]): void => writer.ints(ranges)

function decodeEvent(bytes: Buffer): DeliveryEvent {
  const reader = new ByteReader(bytes)
  const kind = reader.u8()
  const type = KINDS[kind]
  if (type === undefined) throw new Error(`unknown event ${kind}`)
  if (type === 'groupDropped') return { type, group: reader.text() }
  if (type === 'policy') return JSON.parse(reader.text()) as DeliveryEvent
  const window = reader.int()
  if (type !== 'opened') return windowEvent(reader, kind, window)
  return {
    type,
    window,
    group: reader.text(),
    epochMs: reader.int(),
    topic: reader.text(),
    topicId: reader.int(),
    partition: reader.int(),
    producerId: reader.int(),
    cursor: reader.int(),
  }
}

function windowEvent(reader: ByteReader, kind: number, window: number): WindowEvent {
  const type = KINDS[kind] as WindowEvent['type']
  switch (type) {
    case 'leased': {
      const [nonce, member, atMs] = [reader.int(), reader.text(), reader.int()]
      const deadlineMs = atMs + reader.int()
      const ranges = reader.ints()
      const [lane, cursors] =
        kind === LEASED_IN_LANE
          ? [reader.u8(), readCursors(reader)]
          : ([NORMAL_PRIORITY, undefined] as const)
      return { type, window, nonce, member, atMs, deadlineMs, lane, ranges, cursors }
    }
    case 'settled':
      return { type, window, by: pick(SETTLED_BY, reader.u8()), ranges: reader.ints() }
    case 'failed': {
      const cause = pick(CAUSES, reader.u8())
      const [error, atMs] = [reader.text(), reader.int()]
      return { type, window, cause, error, atMs, waits: reader.ints() }
    }
    case 'released':
      return { type, window, takenBack: reader.u8() === 1, ranges: reader.ints() }
    case 'extended':
      return { type, window, deadlineMs: reader.int(), ranges: reader.ints() }
    case 'dying': {
      const cause = pick(CAUSES, reader.u8())
      const [error, atMs] = [reader.text(), reader.int()]
      return { type, window, cause, error, atMs, ranges: reader.ints() }
    }
    case 'buried':
      return { type, window, ranges: reader.ints() }
    case 'retained': {
      const start = reader.int()
      return { type, window, start, unread: kind === RETAINED_IN_LANES ? reader.int() : undefined }
    }
    case 'shortened':
      return { type, window, end: reader.int() }
    case 'dropped':
      return { type, window }
  }
}

function pick<T>(of: readonly T[], at: number): T {
  const picked = of[at]
  if (picked === undefined) throw new Error(`unknown word ${at}`)
  return picked
}

function encodeSnapshot(snapshot: DeliverySnapshot): SnapshotPieces {
  if (!(snapshot instanceof DeliveryState)) throw new Error('no state to encode')
  return new SnapshotWriter(snapshot)
}

export const deliveryCodec: StateCodec<DeliveryEvent, DeliverySnapshot> = {
  encodeEvent,
  decodeEvent,
  encodeSnapshot,
  decodeSnapshot,
}
