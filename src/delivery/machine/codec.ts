/**
 * Events as bytes: one for the kind, then its numbers. What a newer broker wrote is refused, never skipped, and so is what
 * one wrote that did not know of lanes in every event.
 */
import { BrokerError } from '../../kernel/errors.ts'
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import type { SnapshotPieces, StateCodec } from '../../state/index.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { putCursors, readCursors } from './cursorBytes.ts'
import {
  type DeliveryEvent,
  type LaneRanges,
  type Ranges,
  SETTLED_BY,
  type WindowEvent,
} from './events.ts'
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

/** Kinds below were those of events without lanes. */
const FIRST_KIND = 0x20

const LEASED_IN_LANE = KINDS.lastIndexOf('leased')
const RETAINED_IN_LANES = KINDS.lastIndexOf('retained')

const writer = new ByteWriter()

function encodeEvent(event: DeliveryEvent): Uint8Array {
  writer.u8(FIRST_KIND + kindOf(event))
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
      putLaneRanges(event.ranges)
      return
    case 'failed':
      writer.u8(CAUSES.indexOf(event.cause))
      writer.text(event.error)
      writer.int(event.atMs)
      writer.ints(event.waits)
      return
    case 'released':
      writer.u8(event.takenBack ? 1 : 0)
      putLaneRanges(event.ranges)
      return
    case 'extended':
      writer.int(event.deadlineMs)
      putLaneRanges(event.ranges)
      return
    case 'dying':
      writer.u8(CAUSES.indexOf(event.cause))
      writer.text(event.error)
      writer.int(event.atMs)
      putLaneRanges(event.ranges)
      return
    case 'buried':
      putLaneRanges(event.ranges)
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

/** Ascending, from and to by turns: how far each is behind the one before. */
function putRanges(ranges: Ranges): void {
  writer.int(ranges.length)
  let before = 0
  for (const each of ranges) {
    writer.int(each - before)
    before = each
  }
}

function readRanges(reader: ByteReader): number[] {
  const ranges: number[] = []
  let before = 0
  for (let left = reader.int(); left > 0; left -= 1) {
    before += reader.int()
    ranges.push(before)
  }
  return ranges
}

/** Of each the lane, where it begins and how long it is. */
function putLaneRanges(ranges: LaneRanges): void {
  writer.int(ranges.length / 3)
  for (let i = 0; i + 2 < ranges.length; i += 3) {
    const from = ranges[i + 1] as number
    writer.u8(ranges[i] as number)
    writer.int(from)
    writer.int((ranges[i + 2] as number) - from)
  }
}

function readLaneRanges(reader: ByteReader): number[] {
  const ranges: number[] = []
  for (let left = reader.int(); left > 0; left -= 1) {
    const [lane, from] = [reader.u8(), reader.int()]
    ranges.push(lane, from, from + reader.int())
  }
  return ranges
}

function decodeEvent(bytes: Buffer): DeliveryEvent {
  const reader = new ByteReader(bytes)
  const kind = reader.u8() - FIRST_KIND
  const type = KINDS[kind]
  if (type === undefined) {
    throw new BrokerError('FORMAT_TOO_NEW', `unknown event ${kind + FIRST_KIND}`)
  }
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
      const ranges = readRanges(reader)
      const [lane, cursors] =
        kind === LEASED_IN_LANE
          ? [reader.u8(), readCursors(reader)]
          : ([NORMAL_PRIORITY, undefined] as const)
      return { type, window, nonce, member, atMs, deadlineMs, lane, ranges, cursors }
    }
    case 'settled':
      return { type, window, by: pick(SETTLED_BY, reader.u8()), ranges: readLaneRanges(reader) }
    case 'failed': {
      const cause = pick(CAUSES, reader.u8())
      const [error, atMs] = [reader.text(), reader.int()]
      return { type, window, cause, error, atMs, waits: reader.ints() }
    }
    case 'released':
      return { type, window, takenBack: reader.u8() === 1, ranges: readLaneRanges(reader) }
    case 'extended':
      return { type, window, deadlineMs: reader.int(), ranges: readLaneRanges(reader) }
    case 'dying': {
      const cause = pick(CAUSES, reader.u8())
      const [error, atMs] = [reader.text(), reader.int()]
      return { type, window, cause, error, atMs, ranges: readLaneRanges(reader) }
    }
    case 'buried':
      return { type, window, ranges: readLaneRanges(reader) }
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
