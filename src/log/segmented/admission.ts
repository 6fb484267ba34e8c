/**
 * Which of the batches taken together are written: asked one by one, in order, in the step that gives out the
 * offsets, so that each answer already knows of the batches before it.
 */
import { BrokerError } from '../../kernel/errors.ts'
import type { Offset, TimestampMs } from '../../kernel/units.ts'
import type { AppendedEarlier } from '../port.ts'
import type { PendingAppend } from './appendQueue.ts'
import type { SyncLoop } from './syncLoop.ts'

/** Where the group begins, and what becomes of those that are not in it. */
export interface AdmissionStep {
  readonly baseOffset: number
  readonly timestampMs: number
  readonly sync: SyncLoop
  /** Answered or refused: its bytes are free. */
  readonly done: (append: PendingAppend) => void
  /** It repeats a batch of this very group: to be asked again when that one is written. */
  readonly again: (append: PendingAppend) => void
}

/** Those to write. */
export function admit(taken: PendingAppend[], step: AdmissionStep): PendingAppend[] {
  if (!taken.some((append) => append.admission !== undefined)) return taken
  const admitted: PendingAppend[] = []
  let offset = step.baseOffset
  for (const append of taken) {
    const verdict = verdictOf(append, step)
    if (verdict === 'append') {
      append.admission?.appended(offset as Offset, step.timestampMs as TimestampMs)
      offset += append.batch.count
      admitted.push(append)
    } else step[verdict](append)
  }
  return admitted
}

/** For a group whose write failed. */
export function undoAdmissions(appends: readonly PendingAppend[]): void {
  for (let i = appends.length - 1; i >= 0; i -= 1) appends[i]?.admission?.undone()
}

function verdictOf(append: PendingAppend, step: AdmissionStep): 'append' | 'done' | 'again' {
  try {
    const earlier = append.admission?.decide()
    if (earlier === undefined) return 'append'
    if (earlier.baseOffset >= step.baseOffset) return 'again'
    answer(append, earlier, step.sync)
  } catch (error) {
    append.reject?.(asBrokerError(error))
  }
  return 'done'
}

/** The earlier append is written but may not be on disk: who asked for the disk waits for a sync. */
function answer(append: PendingAppend, earlier: AppendedEarlier, sync: SyncLoop): void {
  const endOffset = earlier.baseOffset + append.batch.count
  const result = (durability: 'memory' | 'disk') => ({
    baseOffset: earlier.baseOffset,
    count: append.batch.count,
    timestampMs: earlier.timestampMs,
    durability,
  })
  if (append.acks === 'all') {
    sync.add({
      endOffset,
      synced: () => append.resolve?.(result('disk')),
      failed: (error) => append.reject?.(error),
    })
  } else append.resolve?.(result('memory'))
}

const asBrokerError = (error: unknown): BrokerError =>
  error instanceof BrokerError
    ? error
    : new BrokerError('UNKNOWN', 'the batch was not admitted', { cause: error })
