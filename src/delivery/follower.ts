/**
 * Deliveries follow what happens to members, groups and topics, by their news, and catch up at the start with what a
 * crash kept from being heard.
 */
import type { GroupNews, Groups } from '../groups/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { Platform } from '../kernel/platform.ts'
import type { Topics } from '../topics/index.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Ledger } from './ledger.ts'
import { forgetLostEnd } from './lostEnd.ts'

export interface FollowerOptions {
  readonly ledger: Ledger
  readonly groups: Groups
  readonly topics: Topics
  readonly platform: Platform
  readonly dispatcher: Dispatcher
}

export class Follower {
  readonly #options: FollowerOptions
  readonly #ledger: Ledger
  #stopListening: (() => void)[] = []

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#ledger = options.ledger
  }

  /** Resolves when it has caught up; it hears what happens from then on. */
  async start(): Promise<void> {
    const { groups, topics } = this.#options
    this.#catchUp()
    await this.#forgetLostEnds()
    this.#stopListening = [
      groups.onNews((news) => this.#byItself(() => this.#hear(news))),
      topics.onChanged((name) => this.#byItself(() => this.#topicChanged(name))),
    ]
  }

  stop(): void {
    for (const stop of this.#stopListening.splice(0)) stop()
  }

  /** What a crash kept from being heard. */
  #catchUp(): void {
    const { groups } = this.#options
    const known = new Set(groups.names())
    for (const { name, epochMs, holders } of [...this.#ledger.state.groups.values()]) {
      if (!known.has(name) || groups.get(name).createdAtMs !== epochMs) {
        this.#ledger.execute({ kind: 'dropGroup', group: name })
        continue
      }
      const { members } = groups.get(name)
      this.part(
        name,
        [...holders.keys()].filter((id) => !members.has(id)),
        'died',
      )
    }
    const topics = new Set([...this.#ledger.state.windows.values()].map(({ topic }) => topic))
    for (const name of [...topics, ...this.#ledger.state.topicPolicies.keys()]) {
      this.#topicChanged(name)
    }
  }

  /** Resolves when it is on the disk: before anything is appended in place of what is gone. */
  async #forgetLostEnds(): Promise<void> {
    const { topics, platform } = this.#options
    let isAny = false
    for (const window of this.#ledger.state.windows.values()) {
      const source = topics.find(window.topic)?.partitions[window.partition]
      if (!source?.isOpen) continue
      isAny = forgetLostEnd(this.#ledger, platform, window, source.offsets().next) || isAny
    }
    if (isAny) await this.#ledger.committed('all')
  }

  #hear(news: GroupNews): void {
    if (news.kind === 'departed') {
      const { group, memberIds, reason } = news
      this.#options.dispatcher.departed(group, memberIds)
      this.part(group, memberIds, reason === 'left' ? 'left' : 'died')
      return
    }
    const left = new Set(this.#options.groups.names())
    for (const group of news.groups) {
      if (left.has(group)) continue
      this.#options.dispatcher.forgetGroup(group)
      this.#ledger.execute({ kind: 'dropGroup', group })
    }
  }

  /** The members hold nothing any more: whoever left gives it back, whoever died has failed. */
  part(group: string, memberIds: readonly string[], reason: 'left' | 'died'): void {
    for (const member of memberIds) {
      const holds = this.#ledger.state.groups.get(group)?.holders.has(member)
      if (holds) this.#ledger.execute({ kind: 'part', group, member, reason })
    }
    for (const window of this.#ledger.state.groups.get(group)?.allWindows() ?? []) {
      if (!window.ready.isEmpty) this.#options.dispatcher.ready(window)
    }
  }

  /** A topic that is gone, or is another one under its name. */
  #topicChanged(name: string): void {
    const topic = this.#options.topics.find(name)
    const gone: number[] = []
    for (const window of this.#ledger.state.windows.values()) {
      if (window.topic === name && window.topicId !== topic?.id) gone.push(window.id)
    }
    this.drop(gone)
    if (topic === undefined && this.#ledger.state.topicPolicies.has(name)) {
      this.#ledger.execute({ kind: 'policy', scope: 'topic', name, epochMs: 0, policy: {} })
    }
  }

  /** Forgets what was handed out of these windows. */
  drop(windows: readonly number[]): void {
    if (windows.length === 0) return
    this.#ledger.execute({ kind: 'drop', windows })
    for (const window of windows) this.#options.dispatcher.forget(window)
  }

  /** Runs what no caller waits for. */
  #byItself(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#options.platform.logger.error({ error }, 'deliveries did not follow a change')
    }
  }
}
