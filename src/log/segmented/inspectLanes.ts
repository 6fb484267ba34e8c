/** Holding the runs of a `.laneindex` against the records that were found. */
import { LANES, NORMAL_PRIORITY, priorityName } from '../../kernel/priority.ts'
import { LaneRuns, RunCollector } from '../laneRuns.ts'
import type { LaneLine, ProblemLine } from './inspectLines.ts'
import { BLOCK_HEADER_BYTES, findEnd, RUN_BYTES, runsBefore } from './laneBlocks.ts'
import type { LaneDirectory } from './laneDirectory.ts'
import { blocksOf } from './laneFile.ts'

export interface LanesToInspect {
  readonly file: string
  readonly bytes: Buffer
  readonly baseOffset: number
  /** Behind the last record that was found. */
  readonly endOffset: number
  /** Where the lane changes, offset and lane by turns; undefined where all records are normal. */
  readonly turns: readonly number[] | undefined
  /** All of it must be there. */
  readonly isComplete: boolean
}

/** Each run, or what is wrong with it. */
export function* inspectLanes(lanes: LanesToInspect): Generator<LaneLine | ProblemLine> {
  const { bytes, baseOffset, endOffset } = lanes
  const { directory, size } = blocksOf(bytes, baseOffset)
  const truth = truthOf(lanes)
  for (let block = 0; block < directory.length; block += 1) {
    yield* runsOfBlock(lanes, directory, block, truth)
  }
  const covered = directory.length === 0 ? baseOffset : directory.end(directory.length - 1)
  if (covered > endOffset)
    yield problem(lanes, size, `lanes up to ${covered}, the records end before`)
  const isEndRight = findEnd(bytes.subarray(size), { from: baseOffset, to: covered }) === 0
  if (size < bytes.length && !isEndRight) yield problem(lanes, size, 'damaged block of lanes')
  else if (lanes.isComplete && lanes.turns !== undefined && (covered < endOffset || !isEndRight)) {
    yield problem(lanes, size, `lanes up to ${covered} where ${endOffset} belongs`)
  }
}

function* runsOfBlock(
  { file, bytes, baseOffset }: LanesToInspect,
  directory: LaneDirectory,
  block: number,
  truth: LaneRuns,
): Generator<LaneLine | ProblemLine> {
  const blockAt = directory.position(block)
  for (let lane = 0; lane < LANES; lane += 1) {
    const found = new RunCollector(directory.records(block, lane))
    directory.runsIn(block, lane, { position: 0, bytes }).collect(baseOffset, baseOffset, found)
    let position = blockAt + BLOCK_HEADER_BYTES + runsBefore(bytes, blockAt, lane)
    for (let i = 0; i < found.runs.length; i += 2) {
      const offset = found.runs[i] as number
      const to = found.runs[i + 1] as number
      const count = to - offset
      const isRight = truth.count(lane, offset) - truth.count(lane, to) === count
      const where = { file, position }
      if (isRight) yield { kind: 'laneindex', ...where, lane: priorityName(lane), offset, count }
      else {
        const reason = `${offset} to ${to - 1} are not all ${priorityName(lane)}`
        yield { kind: 'problem', ...where, reason, repairable: true }
      }
      position += RUN_BYTES
    }
  }
}

function truthOf({ turns = [], baseOffset, endOffset }: LanesToInspect): LaneRuns {
  const runs = new LaneRuns()
  let from = baseOffset
  let lane: number = NORMAL_PRIORITY
  for (let i = 0; i < turns.length; i += 2) {
    const to = turns[i] as number
    if (to > from) runs.add(lane, from, to)
    from = to
    lane = turns[i + 1] as number
  }
  if (endOffset > from) runs.add(lane, from, endOffset)
  return runs
}

const problem = ({ file }: LanesToInspect, position: number, reason: string): ProblemLine => ({
  kind: 'problem',
  file,
  position,
  reason,
  repairable: true,
})
