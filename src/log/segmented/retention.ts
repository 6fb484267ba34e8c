/** Removing what is no longer kept: whole sealed segments, the oldest first. */

import { isSystemError } from '../../io/index.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import type { RetentionPolicy } from '../port.ts'
import type { LogState } from './logState.ts'
import type { Segment } from './segment.ts'
import { newestTimestampMs } from './timeLookup.ts'

/** How many of the oldest segments end at or below `before`. */
export function segmentsBefore(state: LogState, before: number): number {
  const { segments } = state
  let count = 0
  while (count < segments.length - 1 && (segments[count] as Segment).nextOffset <= before) {
    count += 1
  }
  return count
}

/** How many of the oldest segments the policy no longer keeps. */
export async function segmentsExpired(state: LogState, policy: RetentionPolicy): Promise<number> {
  const { segments, services } = state
  const oldestMs = services.platform.clock.nowMs() - (policy.maxAgeMs ?? Number.POSITIVE_INFINITY)
  let sizeBytes = totalBytes(segments)
  let count = 0
  while (count < segments.length - 1) {
    const segment = segments[count] as Segment
    const tooMany = sizeBytes > (policy.maxBytes ?? Number.POSITIVE_INFINITY)
    if (!tooMany && (await newestTimestampMs(services, segment)) >= oldestMs) break
    sizeBytes -= segment.sizeBytes
    count += 1
  }
  return count
}

export const totalBytes = (segments: readonly Segment[]): number =>
  segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)

/**
 * Takes the oldest `count` segments out of the log at once, then removes their files one by one, each removal
 * made to last before the next: neither a power loss nor an error may leave a hole. What could not be removed
 * is tried again with the next call. Reads under way finish first. One call at a time.
 */
export async function removeOldest(state: LogState, count: number): Promise<void> {
  for (const segment of state.segments.splice(0, count)) {
    segment.removed = true
    state.doomed.push(segment)
  }
  for (let doomed = state.doomed[0]; doomed !== undefined; doomed = state.doomed[0]) {
    failpoint('segment.retain.before-unlink')
    doomed.log.dirty = false
    await doomed.close()
    // Tried again with the next call, as after an error.
    if (state.services.removals.areHeld) return
    for (const file of doomed.files) await removeFile(state, file.path)
    await state.services.fileSystem.syncDirectory(doomed.directory)
    state.doomed.shift()
  }
}

async function removeFile(state: LogState, path: string): Promise<void> {
  try {
    await state.services.fileSystem.remove(path)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
  }
}
