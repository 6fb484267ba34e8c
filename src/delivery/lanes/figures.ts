/** What is told of lanes: over all groups of mode `ack`, by partition and by group. Nothing here looks at a log. */
import { LANES } from '../../scheduling/index.ts'
import type { Partition } from '../../topics/index.ts'
import type { DeliveryState } from '../machine/state.ts'
import type { LaneBoard } from './laneBoard.ts'

/** Each list has one number for each lane, `critical` first. */
export interface PartitionLaneFigures {
  readonly topic: string
  readonly partition: number
  /** Records that can be handed out now: new ones and retries. What several groups read counts for each of them. */
  readonly ready: ArrayLike<number>
  readonly inFlight: ArrayLike<number>
  /** Records a second, over some ten seconds. */
  readonly enqueueRate: readonly number[]
  readonly dequeueRate: readonly number[]
  /** Wall time of the last hand-out; 0 for none since the start. */
  readonly lastServedMs: ArrayLike<number>
}

export interface GroupLaneFigures {
  readonly group: string
  readonly weights: readonly number[]
  readonly boostMs: number
  readonly lowLanesShareMax: number
  /** Turns given out of order, to lanes that had waited too long. */
  readonly boosts: number
  readonly inFlight: readonly number[]
  /** Records that its members can hold, and how many of them the two lowest lanes may. */
  readonly slots: number
  readonly lowLanesMax: number
}

export interface LaneTotals {
  readonly ready: readonly number[]
  readonly inFlight: readonly number[]
  /** Hand-outs since the start, retries too. */
  readonly served: ArrayLike<number>
  /** From the append to the first hand-out, mean in milliseconds; 0 where there was none. */
  readonly averageWaitMs: readonly number[]
  /** How long they waited: seconds bounds, how many by bucket, and their sum in seconds; by lane. */
  readonly waits: readonly WaitFigures[]
}

export interface WaitFigures {
  readonly bounds: readonly number[]
  readonly counts: Float64Array
  readonly sum: number
}

export interface PriorityFigures extends LaneTotals {
  /** The broker's; a group or a topic may have others. */
  readonly weights: readonly number[]
  readonly partitions: readonly PartitionLaneFigures[]
  readonly groups: readonly GroupLaneFigures[]
}

export function laneTotals(state: DeliveryState, { waits }: LaneBoard): LaneTotals {
  const ready = zeros()
  const inFlight = zeros()
  state.laneCounts.each((counts) => {
    const held = counts.held === 0 ? NONE : counts.inFlight()
    for (let lane = 0; lane < LANES; lane += 1) {
      ready[lane] = (ready[lane] as number) + (counts.ready[lane] as number)
      inFlight[lane] = (inFlight[lane] as number) + (held[lane] as number)
    }
  })
  return {
    ready,
    inFlight,
    served: waits.served,
    averageWaitMs: zeros().map((_, lane) => waits.averageMs(lane)),
    waits: zeros().map((_, lane) => waits.figures(lane)),
  }
}

/** Plain fields here and below: there may be thousands. */
export function partitionFigures(
  state: DeliveryState,
  board: LaneBoard,
  find: (topic: string, partition: number) => Partition | undefined,
): PartitionLaneFigures[] {
  const nowMs = board.monotonicMs()
  const figures: PartitionLaneFigures[] = []
  state.laneCounts.each((counts) => {
    const { topic, partition, ready } = counts
    const source = find(topic, partition)
    const meters = source && board.metersOf(source)
    figures.push({
      topic,
      partition,
      ready,
      inFlight: counts.held === 0 ? NONE : counts.inFlight(),
      enqueueRate: meters === undefined ? NONE : meters.enqueued.all(nowMs),
      dequeueRate: meters === undefined ? NONE : meters.dequeued.all(nowMs),
      lastServedMs: meters === undefined ? NONE : meters.lastServedMs,
    })
  })
  return figures
}

export function groupFigures(state: DeliveryState, board: LaneBoard): GroupLaneFigures[] {
  const figures: GroupLaneFigures[] = []
  for (const [group, lanes] of board.groups) {
    figures.push({
      group,
      weights: lanes.turns.weights,
      boostMs: lanes.boostMs,
      lowLanesShareMax: lanes.lowShare,
      boosts: lanes.turns.boosts,
      inFlight: state.groups.get(group)?.leased() ?? NONE,
      slots: lanes.slots,
      lowLanesMax: lanes.lowMax,
    })
  }
  return figures
}

const zeros = (): number[] => new Array<number>(LANES).fill(0)
const NONE: readonly number[] = zeros()
