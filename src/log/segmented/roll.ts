/**
 * Sealing the active segment and beginning the next. The order makes "only the end of the active segment may
 * be torn" true: the old segment is wholly on disk before the new one's name is.
 */

import { isSystemError } from '../../io/index.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import type { LogState } from './logState.ts'
import { Segment } from './segment.ts'
import { storageError } from './storageError.ts'

/**
 * To be called while nothing is written. `synced` brings what was written to the disk. On an error the old
 * segment stays active.
 */
export async function roll(state: LogState, synced: () => Promise<void>): Promise<void> {
  const { services, path, active: sealed } = state
  // One that was under way may have begun before a failed write was cut off: only the next one covers the cut.
  do await synced()
  while (sealed.log.dirty)
  failpoint('segment.roll.before-seal')
  await flushIndexes(state)
  const begun = new Segment(services, sealed.directory, state.next)
  begun.begin()
  try {
    await services.files.use(begun.log, (handle) => handle.truncate(0))
    services.directories.changed(path)
    failpoint('segment.roll.after-create')
    await services.directories.settle(path)
  } catch (error) {
    await discard(state, begun)
    throw error
  }
  sealed.seal()
  state.watch(begun)
  state.segments.push(begun)
  await flushIndexesOf(state, sealed)
}

/** Writes what index entries may be written; those that cannot be stay in memory. */
export async function flushIndexes(state: LogState): Promise<void> {
  for (const segment of state.segments) {
    if (segment.hasPendingIndex) await flushIndexesOf(state, segment)
  }
}

/** The same, where that is worth a write. */
export async function flushDueIndexes(state: LogState): Promise<void> {
  for (const segment of state.segments) {
    if (segment.isIndexFlushDue) await flushIndexesOf(state, segment)
  }
}

async function flushIndexesOf(state: LogState, segment: Segment): Promise<void> {
  try {
    await segment.flushIndexes(state.durable)
  } catch (error) {
    const { logger } = state.services.platform
    logger.warn({ log: state.path, error }, 'index not written')
  }
}

/**
 * A file left over would stand for records that the old segment may still take: where it does not go, or not for
 * good, nothing more is written.
 */
async function discard(state: LogState, begun: Segment): Promise<void> {
  const { fileSystem, directories } = state.services
  try {
    begun.log.dirty = false
    await begun.close()
    await fileSystem.remove(begun.log.path)
    directories.changed(state.path)
    await directories.settle(state.path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return
    state.raiseFence(storageError(error, `take back ${begun.log.path}`))
  }
}
