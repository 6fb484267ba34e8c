/**
 * The lanes of a log on files: those of its segments, one behind the other.
 *
 * What cannot be answered from memory is loaded: of sealed segments nobody knows after a start whether they are plain,
 * and what was written long ago may have been forgotten. Looking for a lane passes over segments that have none of it.
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { RunCollector } from '../laneRuns.ts'
import type { Lanes } from '../port.ts'
import { learnLanes } from './learnLanes.ts'
import type { LogState } from './logState.ts'
import { rebuildIndexes } from './rebuild.ts'
import type { Segment } from './segment.ts'
import { corrupt, storageError } from './storageError.ts'

const NONE: readonly number[] = []

export class SegmentedLanes implements Lanes {
  readonly #state: LogState

  constructor(state: LogState) {
    this.#state = state
  }

  isPlain(from: number): boolean {
    return from >= this.#state.plainFrom
  }

  next(lane: number, from: number, maxRecords: number): readonly number[] | undefined {
    const { segments, start, next, plainFrom } = this.#state
    const at = Math.max(from, start)
    if (at >= plainFrom) {
      if (lane !== NORMAL_PRIORITY || at >= next || maxRecords <= 0) return NONE
      return [at, Math.min(next, at + maxRecords)]
    }
    const found = new RunCollector(maxRecords)
    for (let i = this.#state.segmentIndex(at); i < segments.length && !found.isFull; i += 1) {
      const { lanes, baseOffset } = segments[i] as Segment
      if (lanes.collect(lane, Math.max(at, baseOffset), found)) continue
      return found.isEmpty ? undefined : found.runs
    }
    return found.runs
  }

  count(lane: number, from: number): number | undefined {
    const { segments, start } = this.#state
    const at = Math.max(from, start)
    let records = 0
    for (let i = this.#state.segmentIndex(at); i < segments.length; i += 1) {
      const more = (segments[i] as Segment).lanes.count(lane, at)
      if (more === undefined) return undefined
      records += more
    }
    return records
  }

  async load(lane: number, from: number): Promise<void> {
    for (;;) {
      this.#state.checkOpen()
      const { start } = this.#state
      try {
        await this.#load(lane, Math.max(from, start))
        return
      } catch (error) {
        this.#state.checkOpen()
        // Retention may have taken the segment that was looked at.
        if (this.#state.start === start) {
          throw storageError(error, `read lanes of ${this.#state.path}`)
        }
      }
    }
  }

  async #load(lane: number, from: number): Promise<void> {
    await learnLanes(this.#state, from)
    // A copy: retention may take segments out meanwhile.
    const segments = this.#state.segments.slice(this.#state.segmentIndex(from))
    const first = segments[0] as Segment
    await this.#mended(first, () => first.lanes.loadCount(lane, from))
    for (const segment of segments) {
      const at = Math.max(from, segment.baseOffset)
      const found = new RunCollector(1)
      while (!segment.lanes.collect(lane, at, found)) {
        await this.#mended(segment, () => segment.lanes.load(lane, at))
      }
      if (!found.isEmpty) return
    }
  }

  /** Loads; where the file does not hold what it should, makes it again first. */
  async #mended(segment: Segment, load: () => Promise<boolean>): Promise<void> {
    if (await load()) return
    await rebuildIndexes(this.#state.services, segment)
    if (await load()) return
    const { path } = segment.lanes.file.file
    throw corrupt(path, 0, 'lanes that cannot be read, though they were just written')
  }
}
