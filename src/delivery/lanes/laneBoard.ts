/** What is known of lanes beside the machine's state: of each group whose turn it is, of each partition how fast it goes. */
import type { Clock } from '../../kernel/platform.ts'
import type { Partition } from '../../topics/index.ts'
import type { Place } from '../places.ts'
import { GroupLanes } from './groupLanes.ts'
import { LaneMeters } from './laneMeters.ts'
import { LaneWaits } from './laneWaits.ts'

export class LaneBoard {
  readonly waits = new LaneWaits()
  readonly #clock: Clock
  readonly #groups = new Map<string, GroupLanes>()
  readonly #meters = new Map<Partition, LaneMeters>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  get groups(): ReadonlyMap<string, GroupLanes> {
    return this.#groups
  }

  /** What a partition was asked and gave; undefined where no group takes from it. */
  metersOf(partition: Partition): LaneMeters | undefined {
    return this.#meters.get(partition)
  }

  /** `leased`: how many of its records its members hold, by lane, where it is known already. */
  of(name: string, leased: readonly number[] | undefined): GroupLanes {
    let lanes = this.#groups.get(name)
    if (lanes === undefined) {
      lanes = new GroupLanes()
      this.#groups.set(name, lanes)
    }
    if (leased !== undefined) lanes.leased = leased
    return lanes
  }

  find(group: string): GroupLanes | undefined {
    return this.#groups.get(group)
  }

  forgetGroup(group: string): void {
    this.#groups.delete(group)
  }

  enter({ partition }: Place): LaneMeters {
    let meters = this.#meters.get(partition)
    if (meters === undefined) {
      const made = new LaneMeters()
      made.stopListening = partition.subscribe((from, next, counts) => {
        made.appended(next - from, counts, this.#clock.monotonicMs())
      })
      this.#meters.set(partition, made)
      meters = made
    }
    meters.places += 1
    return meters
  }

  leave({ partition }: Place): void {
    const meters = this.#meters.get(partition)
    if (meters === undefined) return
    meters.places -= 1
    if (meters.places > 0) return
    meters.stopListening()
    this.#meters.delete(partition)
  }

  served(meters: LaneMeters, lane: number, count: number): void {
    const { served } = this.waits
    served[lane] = (served[lane] as number) + count
    meters.served(lane, count, this.#clock.monotonicMs(), this.#clock.nowMs())
  }
}
