/**
 * One member's place in its group: joins, says that it is alive, joins again when the group has moved on.
 *
 *   join ──▶ stable ──(409, or an early answer)──▶ join again with the same member id
 *              │  └───(404: evicted)─────────────▶ join again; what was held may be another's by now
 *              └──(no answer for a whole session)──▶ silent: nothing is handed out until the broker answers
 *
 * Heartbeats have a timer of their own: a handler that takes its time does not end the membership.
 */
import type { HeartbeatReply, JoinReply } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import type { Clock, Timer } from '../../kernel/platform.ts'
import type { TopicPartition } from './cursor.ts'
import type { MemberSettings } from './options.ts'

export interface MembershipHost {
  readonly clock: Clock
  readonly member: MemberSettings
  readonly topics: readonly string[]
  readonly offsetReset: 'earliest' | 'latest'
  /** Default `offset`, of which the assignment is `range`. */
  readonly mode?: 'ack' | 'offset'
  /** In mode `ack`; default: the group's, `range` for a new one. */
  readonly assignment?: 'range' | 'shared' | undefined
  /** POST below the group; rejects with BrokerError. */
  post(action: string, body: object, timeoutMs?: number): Promise<unknown>
  /** Calls again and again until it works, is refused for good, or the consumer closes. */
  persist<T>(what: string, work: () => Promise<T>): Promise<T>
  /** A new assignment. `isLost`: what was held before may have had another owner since. */
  assigned(partitions: readonly TopicPartition[], isLost: boolean): void
  /** Whether the broker was heard of within the session timeout. */
  silent(isSilent: boolean): void
  lost(error: BrokerError): void
  /** The group does not take this member. */
  failed(error: Error): void
}

const LEAVE_TIMEOUT_MS = 5000

export class Membership {
  readonly #host: MembershipHost
  #memberId: string | undefined
  #generation = -1
  #joining: Promise<void> | undefined
  #isLost = false
  #heardMs = 0
  #timer: Timer | undefined
  #isOver = false

  constructor(host: MembershipHost) {
    this.#host = host
    this.#memberId = host.member.memberId
  }

  get memberId(): string | undefined {
    return this.#memberId
  }

  get generation(): number {
    return this.#generation
  }

  get isJoining(): boolean {
    return this.#joining !== undefined
  }

  /** Resolves as a member; joins that overlap are one. */
  join(): Promise<void> {
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined
    })
    return this.#joining
  }

  /** Resolves when no join is under way. */
  async stable(): Promise<void> {
    await this.#joining?.catch(() => undefined)
  }

  /** Somebody was told that `generation` is over. */
  rejoin(generation: number): void {
    if (this.#isOver || generation !== this.#generation) return
    this.join().catch((error: unknown) => this.#refused(error))
  }

  /** True where the error is about the membership, which is then seen to. */
  handles(reason: unknown, generation: number): boolean {
    if (!(reason instanceof BrokerError)) return false
    const { code } = reason
    if (code === 'UNKNOWN_MEMBER' || code === 'GROUP_NOT_FOUND') {
      if (generation === this.#generation && !this.#isLost && !this.#isOver) {
        this.#isLost = true
        this.#host.lost(reason)
      }
    } else if (code !== 'STALE_GENERATION') return false
    this.rejoin(generation)
    return true
  }

  /** The broker answered. */
  heard(): void {
    this.#heardMs = this.#host.clock.monotonicMs()
    this.#host.silent(false)
  }

  /** Stops the heartbeats. */
  stop(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  /** Gives the partitions back at once, as far as the broker can be reached. */
  async leave(): Promise<void> {
    this.stop()
    await this.stable()
    if (this.#generation < 0) return
    const body = { member_id: this.#memberId }
    await this.#host.post('leave', body, LEAVE_TIMEOUT_MS).catch(() => undefined)
  }

  async #join(): Promise<void> {
    const { member, topics, offsetReset, mode = 'offset', assignment } = this.#host
    const reply = (await this.#host.persist('cannot join', () =>
      this.#host.post('join', {
        client_id: member.clientId,
        member_id: this.#memberId,
        topics,
        session_timeout: member.sessionTimeoutMs,
        mode,
        assignment: mode === 'offset' ? 'range' : assignment,
        auto_offset_reset: offsetReset,
      }),
    )) as JoinReply
    const isLost = this.#isLost
    this.#isLost = false
    this.#memberId = reply.member_id
    this.#generation = reply.generation
    this.heard()
    if (this.#isOver) return
    if (this.#timer === undefined) this.#arm()
    this.#host.assigned(reply.assigned_partitions.map(partitionOf), isLost)
  }

  #refused(error: unknown): void {
    if (!this.#isOver) this.#host.failed(error instanceof Error ? error : new Error(String(error)))
  }

  #arm(): void {
    const { clock, member } = this.#host
    this.#timer = clock.setTimer(member.heartbeatMs, () => void this.#beat())
  }

  async #beat(): Promise<void> {
    if (this.#joining === undefined) await this.#heartbeat()
    const { clock, member } = this.#host
    const silenceMs = clock.monotonicMs() - this.#heardMs
    if (silenceMs >= member.sessionTimeoutMs) this.#host.silent(true)
    if (!this.#isOver) this.#arm()
  }

  async #heartbeat(): Promise<void> {
    const generation = this.#generation
    const body = { member_id: this.#memberId, generation }
    try {
      const { member } = this.#host
      const reply = await this.#host.post('heartbeat', body, member.sessionTimeoutMs)
      this.heard()
      if ((reply as HeartbeatReply).rebalance_required) this.rejoin(generation)
    } catch (error) {
      this.handles(error, generation)
    }
  }
}

/** `orders-eu-3` is partition 3 of `orders-eu`. */
function partitionOf(name: string): TopicPartition {
  const dash = name.lastIndexOf('-')
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) }
}
