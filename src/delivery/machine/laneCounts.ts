/** Of one partition, over all groups, how many records are ready to be handed out and how many are held, by lane. */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { LANES } from '../../scheduling/index.ts'

export class LaneCounts {
  readonly topic: string
  readonly topicId: number
  readonly partition: number
  /** Retries whose time has come; what was never handed out is added by whoever knows the log. */
  readonly ready = new Float64Array(LANES)
  /** Held by members, all lanes together. */
  held = 0
  /** Of those by lane, but for `normal`, so that nobody pays for lanes who knows but one. */
  readonly #others = new Float64Array(LANES)
  /** Windows that count here. */
  windows = 0

  constructor(topic: string, topicId: number, partition: number) {
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
  }

  holdOther(lane: number, size: number): void {
    this.#others[lane] = (this.#others[lane] as number) + size
  }

  /** Held by members, by lane. */
  inFlight(): number[] {
    const inFlight: number[] = []
    let normal = this.held
    for (let lane = 0; lane < LANES; lane += 1) {
      const others = this.#others[lane] as number
      normal -= others
      inFlight.push(others)
    }
    inFlight[NORMAL_PRIORITY] = normal
    return inFlight
  }
}

/** Those of all partitions that some group takes from. */
export class LaneCountsTable {
  readonly #byTopic = new Map<number, Map<number, LaneCounts>>()

  of({ topic, topicId, partition }: Pick<LaneCounts, 'topic' | 'topicId' | 'partition'>) {
    let partitions = this.#byTopic.get(topicId)
    if (partitions === undefined) {
      partitions = new Map()
      this.#byTopic.set(topicId, partitions)
    }
    let counts = partitions.get(partition)
    if (counts === undefined) {
      counts = new LaneCounts(topic, topicId, partition)
      partitions.set(partition, counts)
    }
    return counts
  }

  /** A window has gone; the last one takes its partition along. */
  leave(counts: LaneCounts): void {
    counts.windows -= 1
    if (counts.windows > 0) return
    const partitions = this.#byTopic.get(counts.topicId)
    partitions?.delete(counts.partition)
    if (partitions?.size === 0) this.#byTopic.delete(counts.topicId)
  }

  /** Those of one topic come one behind the other. */
  each(visit: (counts: LaneCounts) => void): void {
    for (const partitions of this.#byTopic.values()) partitions.forEach(visit)
  }
}
