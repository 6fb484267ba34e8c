/**
 * Polls of ack-mode groups: served at once where there is something, else in a line, from which an append, the end of a
 * backoff or room under a limit serves whoever came first.
 *
 *   poll ─▶ grant (choose + journal, one step) ─▶ read the records, wait for the journal ─▶ the member has them
 *             └─ nothing ─▶ line ─▶ grant, inside the append ─▶ …
 */

import type { Groups, Read, Visit } from '../groups/index.ts'
import type { AbortNotice } from '../kernel/caller.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { Platform } from '../kernel/platform.ts'
import { SECOND_MS } from '../kernel/units.ts'
import { LOW_LANES, NO_LANES } from '../scheduling/index.ts'
import type { Topics } from '../topics/index.ts'
import type { Durability } from './durability.ts'
import { type Granted, Granter, type Wanted } from './grants.ts'
import { type Delivered, HandOut } from './handOut.ts'
import type { GroupLanes } from './lanes/groupLanes.ts'
import type { LaneBoard } from './lanes/laneBoard.ts'
import type { Ledger } from './ledger.ts'
import type { Window } from './machine/window.ts'
import { type Place, Places } from './places.ts'
import { type WaitEnd, WaitingLine } from './waitingLine.ts'

export interface DeliveryPoll {
  readonly group: string
  readonly memberId: string
  readonly generation?: number | undefined
  readonly maxMessages: number
  readonly maxBytes: number
  /** How long to wait where there is nothing. */
  readonly waitMs: number
  /** Settles first what the member holds. */
  readonly autoCommit: boolean
  /** How long the leases last; undefined: as the policy says. */
  readonly visibilityMs?: number | undefined
}

export interface DispatcherOptions {
  readonly ledger: Ledger
  readonly groups: Groups
  readonly topics: Topics
  readonly platform: Platform
  readonly durability: Durability
  readonly lanes: LaneBoard
  readonly waitersMax: number
}

type Ending = Pick<WaitEnd, 'signal' | 'until'>

/** Times that a poll waits for the index of lanes to be loaded. */
const LOADS_MAX = 64

const NOTHING: Delivered = { parts: [], putBack: () => undefined }

export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #places: Places
  readonly #granter: Granter
  readonly #handOut: HandOut
  readonly #lines = new Map<string, WaitingLine<Granted>>()
  #waiting = 0
  #isReleased = false

  constructor(options: DispatcherOptions) {
    this.#options = options
    const { ledger, platform } = options
    this.#granter = new Granter(ledger, platform)
    const onAppended = (place: Place): void => this.#offer(place)
    this.#places = new Places({ ...options, onAppended })
    this.#handOut = new HandOut({
      ledger,
      durability: options.durability,
      waits: options.lanes.waits,
      onGivenBack: onAppended,
      nowMs: () => platform.clock.nowMs(),
    })
  }

  /** Polls that wait now. */
  get waiterCount(): number {
    return this.#waiting
  }

  /**
   * Resolves with leased records, with none when the time is up or the member polled again; with the news of a
   * rebalance as soon as its generation has ended. Counts as a heartbeat. A crash of the process cannot undo what was
   * handed out or settled by it, nor one of the machine where the policy asks for that. Rejects with GROUP_NOT_FOUND, UNKNOWN_MEMBER, STALE_GENERATION, CANCELLED and TOO_MANY_WAITERS.
   */
  async poll(request: DeliveryPoll, signal: AbortNotice | undefined): Promise<Read<Delivered>> {
    let delivered = NOTHING
    const { groups } = this.#options
    let arrives = false
    try {
      const read = await groups.attend(request, signal, async (visit, until) => {
        if (request.autoCommit) this.#commitHeld(request)
        delivered = await this.#serve(visit, request, { signal, until })
        if (request.autoCommit) await this.#committed(visit)
        return delivered
      })
      arrives = !read.rebalance
      return read
    } finally {
      if (!arrives) delivered.putBack()
    }
  }

  /** Resolves when what lies in the partitions of all windows is counted. */
  async count(): Promise<void> {
    await this.#places.attachAll()
  }

  /** Says of which lane a record of the window is; undefined where nobody has asked for its partition yet. */
  lanesOf(window: Window): ((offset: number) => number | undefined) | undefined {
    const lanes = this.#places.of(window)?.lanes
    return lanes && ((offset) => lanes.laneAt(offset))
  }

  /** Records of the window that were never handed out; undefined where nobody has asked for its partition yet. */
  unreadOf(window: Window): number | undefined {
    const lanes = this.#places.of(window)?.lanes
    return lanes === undefined || lanes.mustLoad ? undefined : lanes.total
  }

  /** Records of the window can be handed out again. */
  ready(window: Window): void {
    const place = this.#places.of(window)
    if (place !== undefined) this.#offer(place)
  }

  /** The group has another policy. */
  policyChanged(group: string): void {
    this.#options.lanes.find(group)?.configure(this.#options.ledger.state.policyOf(group, ''))
    this.roomIn(group)
  }

  /** A member of the group has room again. */
  roomIn(group: string): void {
    const line = this.#lines.get(group)
    if (line !== undefined) this.#roomFor(group, line)
  }

  /** Members of any group may have room again. */
  roomAnywhere(): void {
    for (const [group, line] of this.#lines) this.#roomFor(group, line)
  }

  /** Polls of members that are none any more end. */
  departed(group: string, memberIds: readonly string[]): void {
    const line = this.#lines.get(group)
    const lanes = this.#options.lanes.find(group)
    for (const memberId of memberIds) {
      line?.supersede(memberId)
      lanes?.departed(memberId)
    }
  }

  forget(window: number): void {
    this.#places.forget(window)
  }

  forgetGroup(group: string): void {
    this.#places.forgetGroup(group)
  }

  /** Answers all who wait; later polls do not wait. */
  release(): void {
    this.#isReleased = true
    for (const line of this.#lines.values()) line.release()
  }

  close(): void {
    this.release()
    this.#places.close()
  }

  #commitHeld({ group, memberId }: DeliveryPoll): void {
    this.#options.ledger.execute({ kind: 'commitHeld', group, member: memberId })
    this.roomIn(group)
  }

  /** Also where nothing was handed out, which would have waited for it. */
  async #committed({ group, member }: Visit): Promise<void> {
    const { durability } = this.#options
    await durability.reached(durability.asked(group.id, member.topics))
  }

  async #serve(visit: Visit, request: DeliveryPoll, ending: Ending): Promise<Delivered> {
    const { clock } = this.#options.platform
    const endMs = clock.monotonicMs() + request.waitMs
    const wanted = { ...request, visibilityMs: request.visibilityMs }
    this.#lines.get(request.group)?.supersede(request.memberId)
    for (;;) {
      const waitMs = endMs - clock.monotonicMs()
      const granted = await this.#grant(visit, wanted, { waitMs, ...ending })
      if (granted === undefined) return NOTHING
      const delivered = await this.#handOut.deliver(granted.grants, request.maxBytes)
      // What was granted may have been nothing for this member's eyes.
      const isOver = clock.monotonicMs() >= endMs || ending.signal?.aborted === true
      if (delivered.parts.length > 0 || isOver) return delivered
    }
  }

  async #grant(visit: Visit, wanted: Wanted, end: WaitEnd): Promise<Granted | undefined> {
    const places = this.#places.assignedTo(visit)
    const lanes = this.#lanesOf(visit, places, wanted)
    let granted = this.#granter.grant(places, wanted, lanes)
    for (let nth = 0; granted.loading !== undefined && nth < LOADS_MAX; nth += 1) {
      await granted.loading
      granted = this.#granter.grant(places, wanted, lanes)
    }
    // No await from the grant to the line: what is appended in between would be missed.
    if (granted.grants.length > 0) return granted
    if (end.waitMs <= 0 || this.#isReleased) return undefined
    if (this.#waiting >= this.#options.waitersMax) {
      const text = `${this.#options.waitersMax} polls wait already`
      throw new BrokerError('TOO_MANY_WAITERS', text, { retryAfterMs: SECOND_MS })
    }
    const line = this.#lineOf(visit.group.id)
    noteLimits(line, granted)
    const serve = (): Granted | undefined => {
      const served = this.#granter.grant(places, wanted, lanes)
      noteLimits(line, served)
      // Whoever waits is tried again when it is there; that it cannot be read is for the next poll to say.
      served.loading?.then(
        () => this.roomIn(visit.group.id),
        () => undefined,
      )
      return served.grants.length > 0 ? served : undefined
    }
    try {
      return await line.wait({ memberId: wanted.memberId, places: new Set(places), serve }, end)
    } finally {
      if (line.size === 0) this.#lines.delete(visit.group.id)
    }
  }

  /** The lanes of the group, told of the member's slots and of the policy. */
  #lanesOf({ group, member }: Visit, places: readonly Place[], wanted: Wanted): GroupLanes {
    const { lanes: board, ledger } = this.#options
    const known = ledger.state.groups.get(group.id)
    const lanes = board.of(group.id, known?.leasedOthers)
    const policy = ledger.state.policyOf(group.id, places[0]?.window.topic ?? '')
    lanes.configure(policy)
    const held = known?.holders.get(member.memberId)?.inFlight ?? 0
    const hasMore = lanes.seen(
      member.memberId,
      Math.min(held + wanted.maxMessages, policy.inFlightMax),
    )
    const line = this.#lines.get(group.id)
    if (hasMore && line?.isCapped) line.offerWhile(() => lanes.lowRoom > 0)
    return lanes
  }

  #roomFor(group: string, line: WaitingLine<Granted>): void {
    if (line.isLimited) line.offerAll()
    const lanes = this.#options.lanes.find(group)
    if (line.isCapped && lanes) line.offerWhile(() => lanes.lowRoom > 0)
  }

  #lineOf(group: string): WaitingLine<Granted> {
    let line = this.#lines.get(group)
    if (line === undefined) {
      line = new WaitingLine(this.#options.platform.clock, (change) => {
        this.#waiting += change
      })
      this.#lines.set(group, line)
    }
    return line
  }

  #offer(place: Place): void {
    const line = this.#lines.get(place.window.group.name)
    if (line === undefined || line.size === 0) return
    const { window, partition, group } = place
    const { unresolvedMax } = this.#options.ledger.state.policyOf(window.group.name, window.topic)
    const hasMore = (): boolean => {
      const closed = group.lowRoom > 0 ? NO_LANES : LOW_LANES
      const ready = window.ready.lanes & ~closed
      if (ready !== NO_LANES) return true
      if (window.unresolved >= unresolvedMax || !partition.isOpen) return false
      return (place.lanes.backlog & ~closed) !== NO_LANES || place.lanes.mustLoad
    }
    if (hasMore()) line.offer(place, hasMore)
    else if (group.lowRoom <= 0) line.isCapped = true
    else line.isLimited = true
  }
}

function noteLimits(line: WaitingLine<Granted>, granted: Granted): void {
  const { isLimited, isCapped, loading } = granted
  line.isLimited ||= isLimited || loading !== undefined
  line.isCapped ||= isCapped
}
