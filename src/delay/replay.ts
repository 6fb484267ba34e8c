/** A delay log read again: what it says goes into the index, record by record. */
import { MiB, type Offset, offset } from '../kernel/units.ts'
import {
  isControl,
  originAt,
  originDueMs,
  originOffset,
  originPartition,
  recordKeyBytes,
  recordLength,
  recordOffset,
  recordPriority,
  recordTimestampMs,
  recordValueStart,
} from '../record/index.ts'
import type { Partition } from '../topics/index.ts'
import { type Control, decodeControl, eachOffset } from './control.ts'
import type { DelayIndex } from './delayIndex.ts'
import { STATE } from './states.ts'

const READ = { maxBytes: 1 * MiB, maxRecords: Number.MAX_SAFE_INTEGER }

/** Resolves when `index` has all of `log` from `from` on, with the last `through` there was; 0 where none. */
export async function replayLog(log: Partition, from: number, index: DelayIndex): Promise<number> {
  let through = 0
  await eachRecord(log, offset(from), (bytes, at) => {
    if (isControl(bytes, at)) {
      const control = decodeControl(valueAt(bytes, at))
      if (control !== undefined) through = Math.max(through, apply(index, control))
      return
    }
    const place = originAt(bytes, at)
    if (place < 0) return
    index.add(recordOffset(bytes, at), {
      dueMs: originDueMs(bytes, place),
      publishedMs: recordTimestampMs(bytes, at),
      priority: recordPriority(bytes, at),
      isKeyless: recordKeyBytes(bytes, at) === 0,
    })
  })
  return through
}

function apply(index: DelayIndex, control: Control): number {
  switch (control.kind) {
    case 'cancel':
      index.settle(control.offset, STATE.CANCELLED)
      return 0
    case 'reschedule':
      index.setDue(control.offset, control.dueMs)
      return 0
    case 'delivered':
      eachOffset(control.ranges, (each) => index.settle(each, STATE.DELIVERED))
      return control.through
    case 'expired':
      eachOffset(control.ranges, (each) => index.settle(each, STATE.EXPIRED))
      return 0
  }
}

export interface Accounting {
  /** The partition into which messages are delivered. */
  readonly target: Partition
  readonly index: DelayIndex
  readonly through: number
}

/**
 * Settles the entries that were delivered and not marked: their origins lie in the target, at or behind `through` and
 * not before the least due time, since nothing is delivered early. Resolves with their offsets.
 */
export async function findDelivered({ target, index, through }: Accounting): Promise<number[]> {
  const found: number[] = []
  const { start, next } = target.offsets()
  const minDueMs = index.minDueMs()
  if (minDueMs === Number.POSITIVE_INFINITY) return found
  const first = await target.offsetAtTime(minDueMs)
  if (first === undefined) return found
  const from = Math.max(start, first.offset, Math.min(through, next))
  await eachRecord(target, offset(from), (bytes, at) => {
    const place = originAt(bytes, at)
    if (place < 0 || originPartition(bytes, place) !== target.index) return
    const waited = originOffset(bytes, place)
    if (index.settle(waited, STATE.DELIVERED)) found.push(waited)
  })
  return found
}

async function eachRecord(
  log: Partition,
  start: Offset,
  visit: (bytes: Buffer, at: number) => void,
): Promise<void> {
  const { next } = log.offsets()
  for (let from = start; from < next; ) {
    const { bytes, nextOffset } = await log.read(from, READ)
    for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) visit(bytes, at)
    if (nextOffset <= from) return
    from = nextOffset
  }
}

function valueAt(bytes: Buffer, at: number): Buffer {
  return bytes.subarray(recordValueStart(bytes, at), at + recordLength(bytes, at))
}
