/**
 * Shares the partitions of its topics with the other members of a group and goes on where the group stopped.
 *
 * A rebalance, from the notice to the first message:
 *
 *   join again ─▶ what is not ours any more stops at once ─▶ its handlers end ─▶ commit of what stays
 *     ─▶ onRevoked ─▶ positions of what is new ─▶ onAssigned ─▶ fetch
 *
 * What stays ours is read on all the while. A partition's new owner begins at what was committed, so what was
 * processed since then is processed twice; commit more often, or by hand, where that is dear.
 */
import { HEADER_REBALANCE, type TopicReply } from '../../api/index.ts'
import type { BrokerError } from '../../kernel/errors.ts'
import { type Asker, pathOf } from '../connection.ts'
import { pause } from '../pause.ts'
import { Commits } from './commits.ts'
import { PartitionCursor, type TopicPartition } from './cursor.ts'
import type { FetchRequest } from './feed.ts'
import { Membership } from './membership.ts'
import { ConsumedMessage } from './message.ts'
import {
  type MemberOptions,
  type MemberSettings,
  memberSettings,
  type ReadingOptions,
} from './options.ts'
import { type Position, positionOf, ReadingConsumer } from './reading.ts'

export interface GroupConsumerOptions extends ReadingOptions, MemberOptions {
  readonly group: string
  /** 1 to 100; those that do not exist are read once they do. */
  readonly topics: readonly string[]
  /** These partitions are now this consumer's, from these offsets. Awaited before the first message; may seek(). */
  readonly onAssigned?: (positions: readonly Position[]) => unknown
  /** These are not any more; no handler is at work on them. Awaited before others are taken, and by close(). */
  readonly onRevoked?: (positions: readonly Position[]) => unknown
}

/** Topic to partition to what is committed. */
type Floors = Readonly<Record<string, Readonly<Record<string, number>>>>

export class GroupConsumer extends ReadingConsumer {
  readonly fetchesNothing = true
  readonly #options: GroupConsumerOptions
  readonly #member: MemberSettings
  readonly #membership: Membership
  readonly #commits: Commits
  /** Not ours any more; handlers may still be at work on them. */
  #leaving: PartitionCursor[] = []
  #target: readonly TopicPartition[] | undefined
  #settling: Promise<void> | undefined

  /** Asks the broker nothing yet. The connection stays the caller's to close. Throws INVALID_CONFIG. */
  constructor(connection: Asker, options: GroupConsumerOptions) {
    super(connection, options)
    this.#options = options
    this.#member = memberSettings(options)
    const { clock, offsetReset } = this.settings
    const post = (action: string, body: object, timeoutMs?: number) =>
      this.#post(action, body, timeoutMs)
    this.#membership = new Membership({
      clock,
      post,
      member: this.#member,
      topics: options.topics,
      offsetReset: offsetReset === 'latest' ? 'latest' : 'earliest',
      persist: (what, work) => this.persist(what, work),
      assigned: (partitions, isLost) => this.#assigned(partitions, isLost),
      silent: (isSilent) => this.feed.suspend(isSilent),
      lost: (error) => this.#lost(error),
      failed: (error) => this.failed(error),
    })
    this.#commits = new Commits({
      clock,
      post,
      cursors: this.feed.cursors,
      membership: this.#membership,
      autoCommitMs: this.#member.autoCommitMs,
      commitFailed: (error) => this.#commitFailed(error),
    })
  }

  /** Undefined before the first join. */
  get memberId(): string | undefined {
    return this.#membership.memberId
  }

  get generation(): number {
    return this.#membership.generation
  }

  /** True from a change of the group until what is held is what was assigned: `positions` is then not yet all. */
  get isRebalancing(): boolean {
    return this.#settling !== undefined || this.#membership.isJoining
  }

  /**
   * Commits everything processed; or the message and all before it in its partition; or these offsets (the next to be
   * read). Resolves when the group has it. A commit never goes back. Rejects with NOT_ASSIGNED where a partition
   * has become another member's.
   */
  commit(what?: ConsumedMessage | readonly Position[]): Promise<void> {
    if (what === undefined) return this.#commits.commit(this.#commits.due())
    if (!(what instanceof ConsumedMessage)) return this.#commits.commit(what)
    const { topic, partition, offset } = what
    return this.#commits.commit([{ topic, partition, offset: offset + 1 }])
  }

  async fetch(request: FetchRequest): Promise<Buffer | undefined> {
    await this.#membership.stable()
    const { memberId, generation } = this.#membership
    if (request.signal.aborted || generation < 0) return undefined
    const path = pathOf('groups', this.#options.group, 'fetch')
    try {
      const { headers, body } = await this.askFetch(path, request, {
        member_id: memberId,
        generation,
      })
      this.#membership.heard()
      if (headers[HEADER_REBALANCE] !== '1') return body
      this.#membership.rejoin(generation)
    } catch (error) {
      if (request.signal.aborted || !this.#isOfMembership(error, generation)) throw error
      await pause(this.settings.clock, this.settings.retryBackoffMs, request.signal)
    }
    return undefined
  }

  /** A topic that is gone ends the generation; until then it is asked for again. */
  refused(): boolean {
    return false
  }

  protected async begin(): Promise<void> {
    await this.#membership.join()
    await this.#settling
    this.#commits.start()
  }

  protected async end(): Promise<void> {
    await this.#settling?.catch(() => undefined)
    this.#commits.stop()
    await this.#commits.automatic()
    const held = [...this.#leaving, ...this.feed.cursors.all()].map(positionOf)
    try {
      if (held.length > 0) await this.#options.onRevoked?.(held)
    } finally {
      // A member with an id of its own is expected back.
      if (this.#options.memberId === undefined) await this.#membership.leave()
      else this.#membership.stop()
    }
  }

  #isOfMembership(error: unknown, generation: number): boolean {
    if (this.#membership.handles(error, generation)) return true
    const isNotOurs = (error as BrokerError).code === 'NOT_ASSIGNED'
    if (isNotOurs) this.#membership.rejoin(generation)
    return isNotOurs
  }

  #post(action: string, json: object, timeoutMs = this.settings.requestTimeoutMs) {
    const path = pathOf('groups', this.#options.group, action)
    return this.askJson({ method: 'POST', path, json, timeoutMs })
  }

  #assigned(partitions: readonly TopicPartition[], isLost: boolean): void {
    const kept = new Set(isLost ? [] : partitions.map((each) => this.feed.cursors.get(each)))
    for (const cursor of this.feed.cursors.all()) {
      if (kept.has(cursor)) continue
      cursor.leave()
      this.feed.cursors.remove(cursor)
      this.#leaving.push(cursor)
    }
    // Who closes takes nothing more; what stayed is still to be committed.
    if (this.closing.signal.aborted) return
    this.feed.refetch()
    this.#target = partitions
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined
    })
    this.#settling.catch((error: unknown) => {
      this.failed(error instanceof Error ? error : new Error(String(error)))
    })
  }

  /** Goes on until what is held is what was assigned last. */
  async #settle(): Promise<void> {
    while (this.#target !== undefined && !this.closing.signal.aborted) {
      const target = this.#target
      this.#target = undefined
      const leaving = this.#leaving
      this.#leaving = []
      await Promise.all(leaving.map((cursor) => cursor.idle()))
      await this.#commits.automatic()
      if (leaving.length > 0) await this.#options.onRevoked?.(leaving.map(positionOf))
      await this.#take(target)
    }
  }

  async #take(target: readonly TopicPartition[]): Promise<void> {
    const added = target.filter((each) => this.feed.cursors.get(each) === undefined)
    const floors = target.length === 0 ? {} : await this.#floors()
    this.#catchUp(floors)
    const starts = await this.#startsOf(added, floors)
    if (this.#target !== undefined || this.closing.signal.aborted) return
    const cursors = starts.map(({ topic, partition, offset }) => {
      const cursor = new PartitionCursor(topic, partition, offset)
      cursor.committed = floors[topic]?.[partition] ?? -1
      cursor.isStarting = true
      this.feed.cursors.add(cursor)
      return cursor
    })
    if (cursors.length > 0) await this.#options.onAssigned?.(cursors.map(positionOf))
    for (const cursor of cursors) cursor.isStarting = false
    this.feed.refetch()
  }

  /** A partition that stayed may have been another's between two generations: what that one did is done. */
  #catchUp(floors: Floors): void {
    for (const cursor of this.feed.cursors.all()) {
      const floor = floors[cursor.topic]?.[cursor.partition] ?? -1
      cursor.committed = Math.max(cursor.committed, floor)
      if (floor > cursor.delivered) cursor.moveTo(floor)
    }
  }

  async #floors(): Promise<Floors> {
    const path = pathOf('groups', this.#options.group, 'offsets')
    const { generation } = this.#membership
    try {
      const reply = await this.persist('cannot read the committed offsets', () =>
        this.askJson({ method: 'GET', path }),
      )
      return (reply as { readonly offsets: Floors }).offsets
    } catch (error) {
      // A power cut at the broker may take a group that was new: it has committed nothing, and is joined anew.
      if (!this.#membership.handles(error, generation)) throw error
      return {}
    }
  }

  /** At the floor; where there is none, at the start or the end of the partition. */
  async #startsOf(places: readonly TopicPartition[], floors: Floors): Promise<Position[]> {
    const at = this.settings.offsetReset === 'latest' ? 'latest' : 'earliest'
    const unknown = places.filter(
      ({ topic, partition }) => floors[topic]?.[partition] === undefined,
    )
    const offsets = new Map<string, TopicReply['partition_offsets']>()
    for (const topic of new Set(unknown.map((each) => each.topic))) {
      const reply = await this.persist(`cannot read ${topic}`, () =>
        this.askJson({ method: 'GET', path: pathOf('topics', topic) }),
      )
      offsets.set(topic, (reply as TopicReply).partition_offsets)
    }
    return places.map(({ topic, partition }) => {
      const start = offsets.get(topic)?.[partition]?.[at] ?? 0
      return { topic, partition, offset: floors[topic]?.[partition] ?? start }
    })
  }

  #lost(error: BrokerError): void {
    const message = `the group no longer knew this member: ${error.message}`
    this.settings.onWarning({ code: 'MEMBERSHIP_LOST', message, error })
  }

  #commitFailed(error: BrokerError): void {
    const message = `automatic commit failed: ${error.message}`
    this.settings.onWarning({ code: 'COMMIT_FAILED', message, error })
  }
}
