/** The lanes of a log in memory: all runs of all lanes, always there. */
import { LANES, NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { type RecordBatch, recordLength, recordPriority } from '../../record/index.ts'
import { LaneRuns, RunCollector } from '../laneRuns.ts'
import type { LaneCounts, Lanes } from '../port.ts'

export class MemoryLanes implements Lanes {
  readonly #runs = new LaneRuns()

  /** Takes in the records of a batch that begins at `baseOffset`. */
  add({ bytes, count }: RecordBatch, baseOffset: number): LaneCounts {
    const counts = new Array<number>(LANES).fill(0)
    let at = 0
    for (let offset = baseOffset; offset < baseOffset + count; offset += 1) {
      const lane = recordPriority(bytes, at)
      this.#runs.add(lane, offset, offset + 1)
      counts[lane] = (counts[lane] ?? 0) + 1
      at += recordLength(bytes, at)
    }
    return counts[NORMAL_PRIORITY] === count ? undefined : counts
  }

  /** Forgets what is below the log's new start. */
  dropBelow(start: number): void {
    this.#runs.dropBelow(start)
  }

  isPlain(from: number): boolean {
    for (let lane = 0; lane < LANES; lane += 1) {
      if (lane !== NORMAL_PRIORITY && this.#runs.endOf(lane) > from) return false
    }
    return true
  }

  next(lane: number, from: number, maxRecords: number): readonly number[] {
    const found = new RunCollector(maxRecords)
    this.#runs.collect(lane, from, found)
    return found.runs
  }

  async load(): Promise<void> {
    // Everything is there.
  }

  count(lane: number, from: number): number {
    return this.#runs.count(lane, from)
  }
}
