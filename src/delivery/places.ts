/**
 * Where members are handed records from: for each window the log behind it. Opened when a member first asks for the
 * partition, and listened to from then on, so that an append reaches those who wait in the same turn.
 */

import type { Visit } from '../groups/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { Platform } from '../kernel/platform.ts'
import type { Partition, Topics } from '../topics/index.ts'
import type { GroupLanes } from './lanes/groupLanes.ts'
import type { LaneBoard } from './lanes/laneBoard.ts'
import type { LaneMeters } from './lanes/laneMeters.ts'
import { PlaceLanes } from './lanes/placeLanes.ts'
import type { Ledger } from './ledger.ts'
import { forgetLostEnd } from './lostEnd.ts'
import type { Window } from './machine/window.ts'

export class Place {
  readonly window: Window
  readonly partition: Partition
  readonly group: GroupLanes
  readonly lanes: PlaceLanes
  readonly #lanes: LaneBoard
  readonly #meters: LaneMeters
  /** What records of it took so far, in bytes: how many fit into a reply is guessed from it. */
  recordBytes = 0
  readonly #stopListening: () => void

  constructor(window: Window, partition: Partition, { lanes, onAppended }: PlacesOptions) {
    this.window = window
    this.partition = partition
    this.#lanes = lanes
    this.group = lanes.of(window.group.name, window.group.leasedOthers)
    this.lanes = new PlaceLanes(window, partition, this.group)
    this.#meters = lanes.enter(this)
    this.#stopListening = partition.subscribe((from, next, counts) => {
      this.lanes.appended(from, next, counts)
      onAppended(this)
    })
  }

  /** Records of it were handed out. */
  served(lane: number, count: number): void {
    this.#lanes.served(this.#meters, lane, count)
  }

  leave(): void {
    this.#stopListening()
    this.lanes.leave()
    this.#lanes.leave(this)
  }

  /** Notes what a read of it came to. */
  measured(bytes: number, count: number): void {
    if (count === 0) return
    const size = bytes / count
    this.recordBytes = this.recordBytes === 0 ? size : (3 * this.recordBytes + size) / 4
  }
}

export interface PlacesOptions {
  readonly ledger: Ledger
  readonly topics: Topics
  readonly platform: Platform
  readonly lanes: LaneBoard
  readonly onAppended: (place: Place) => void
}

interface Assigned {
  readonly generation: number
  readonly places: readonly Place[]
}

export class Places {
  readonly #options: PlacesOptions
  readonly #byWindow = new Map<number, Place>()
  /** Group to member to what it was assigned last. */
  readonly #assigned = new Map<string, Map<string, Assigned>>()

  constructor(options: PlacesOptions) {
    this.#options = options
  }

  of(window: Window): Place | undefined {
    return this.#byWindow.get(window.id)
  }

  /** One for each partition of the member that serves. */
  assignedTo(visit: Visit): readonly Place[] {
    const { group, member } = visit
    const known = this.#assigned.get(group.id)?.get(member.memberId)
    if (known?.generation === group.generation) return known.places
    const found = [...group.assignedTo(member.memberId)].flatMap(([topic, partitions]) =>
      [...partitions].map((partition) => this.#placeOf(visit, topic, partition)),
    )
    const places = found.filter((place) => place !== undefined)
    if (places.length === found.length) this.#remember(visit, places)
    return places
  }

  /** Where no member has asked yet, since the start: what lies there counts all the same. */
  async attachAll(): Promise<void> {
    const { ledger, topics } = this.#options
    if (ledger.state.windows.size === this.#byWindow.size) return
    const loads: Promise<void>[] = []
    for (const window of ledger.state.windows.values()) {
      if (this.#byWindow.has(window.id)) continue
      const topic = topics.find(window.topic)
      const partition = topic?.partitions[window.partition]
      if (topic?.id !== window.topicId || !partition?.isOpen) continue
      if (window.end > partition.offsets().next) continue
      const place = new Place(window, partition, this.#options)
      this.#byWindow.set(window.id, place)
      if (place.lanes.mustLoad) loads.push(place.lanes.load())
    }
    await Promise.allSettled(loads)
  }

  /** The window is gone. */
  forget(window: number): void {
    this.#byWindow.get(window)?.leave()
    this.#byWindow.delete(window)
    this.#assigned.clear()
  }

  forgetGroup(group: string): void {
    this.#assigned.delete(group)
    for (const [id, { window }] of this.#byWindow) if (window.group.name === group) this.forget(id)
    this.#options.lanes.forgetGroup(group)
  }

  close(): void {
    for (const place of this.#byWindow.values()) place.leave()
    this.#byWindow.clear()
    this.#assigned.clear()
  }

  #remember({ group, member }: Visit, places: readonly Place[]): void {
    let members = this.#assigned.get(group.id)
    if (members === undefined) {
      members = new Map()
      this.#assigned.set(group.id, members)
    }
    for (const id of members.keys()) if (!group.members.has(id)) members.delete(id)
    members.set(member.memberId, { generation: group.generation, places })
  }

  /** Undefined where the partition does not serve. */
  #placeOf(visit: Visit, topicName: string, index: number): Place | undefined {
    const { topics } = this.#options
    const topic = topics.find(topicName)
    const partition = topic?.partitions[index]
    if (topic === undefined || !partition?.isOpen) return undefined
    const window = this.#windowOf(visit, topic.id, partition)
    const known = this.#byWindow.get(window.id)
    if (known?.partition === partition) return known
    known?.leave()
    const place = new Place(window, partition, this.#options)
    this.#byWindow.set(window.id, place)
    return place
  }

  #windowOf(visit: Visit, topicId: number, partition: Partition): Window {
    const { ledger, platform } = this.#options
    const { group } = visit
    const { topic, index } = partition
    const known = ledger.state.groups.get(group.id)?.window(topic, index)
    const { next } = partition.offsets()
    if (known?.topicId === topicId) {
      if (forgetLostEnd(ledger, platform, known, next)) this.forget(known.id)
      return known
    }
    const cursor = startOf(visit, partition)
    if (known !== undefined) {
      ledger.execute({ kind: 'drop', windows: [known.id] })
      this.forget(known.id)
    }
    const { window } = ledger.execute({
      kind: 'open',
      group: group.id,
      epochMs: group.createdAtMs,
      topic,
      topicId,
      partition: index,
      cursor,
    })
    const opened = ledger.state.windows.get(window)
    if (opened === undefined)
      throw new BrokerError('UNKNOWN', 'a window was opened and is not there')
    return opened
  }
}

/** The group's floor; where there is none, or it cannot be read any more, what the member asked for. */
function startOf({ group, member }: Visit, partition: Partition): number {
  const { start, next } = partition.offsets()
  const floor = group.floor(partition.topic, partition.index)
  if (floor !== undefined && floor <= next) return floor
  return member.offsetReset === 'latest' ? next : start
}
