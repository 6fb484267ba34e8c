/** Members of a group, as they are over HTTP: they join, are handed records, settle or commit them, leave. */
import type { HandOut, Settle } from '../history/operation.ts'
import { idOf } from '../history/values.ts'
import type { WorkContext } from '../workloads/workload.ts'
import { pause, type Reply, toldBy } from './http.ts'

export interface GroupPlan {
  readonly group: string
  readonly topic: string
  readonly mode: 'ack' | 'offset'
  readonly assignment: 'range' | 'shared'
}

export interface PollPlan {
  readonly maxMessages: number
  readonly waitMs: number
  /** Of the leases, in milliseconds; 0 in a group that has none. */
  readonly visibilityMs: number
}

/** Longer than a run: nobody is evicted who does not leave. */
const SESSION = '10m'
/** Whoever hears it is no member: it has left before, or never joined. */
const GONE: ReadonlySet<string | undefined> = new Set(['UNKNOWN_MEMBER', 'GROUP_NOT_FOUND'])
const ATTEMPTS_MAX = 100

export class Member {
  readonly client: string
  generation = 0
  /** Its own, so that a join whose answer was lost leaves nobody behind who holds partitions. */
  readonly memberId: string
  readonly #context: WorkContext
  readonly #plan: GroupPlan

  constructor(context: WorkContext, plan: GroupPlan, client: string) {
    this.#context = context
    this.#plan = plan
    this.client = client
    this.memberId = `${client}.${context.random.int(1_000_000)}`
  }

  /** Joins, or joins again. False where there was no answer. */
  async join(): Promise<boolean> {
    const { group, topic, mode, assignment } = this.#plan
    const reply = await this.#context.http.ask('POST', `/groups/${group}/join`, {
      body: {
        ...{ client_id: this.client, topics: [topic], session_timeout: SESSION, mode, assignment },
        member_id: this.memberId,
      },
    })
    if (reply.outcome !== 'ok') return false
    this.generation = Number(reply.json['generation'])
    const assigned = (reply.json['assigned_partitions'] ?? []) as string[]
    const { memberId: member, generation, client } = this
    this.#context.history.record({
      ...{ op: 'join', client, group, member, generation, assigned },
      ...toldBy(reply),
    })
    return true
  }

  /** Resolves when it is sure that it has left. */
  async leave(): Promise<void> {
    const { group } = this.#plan
    const { client, memberId: member } = this
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const body = { member_id: member }
      const reply = await this.#context.http.ask('POST', `/groups/${group}/leave`, { body })
      this.#context.history.record({ op: 'leave', client, group, member, ...toldBy(reply) })
      if (reply.outcome === 'ok' || GONE.has(reply.code)) return
      await pause(50)
    }
    throw new Error(`${member} cannot leave ${group}`)
  }

  /**
   * Everybody else leaves: members whose leaving was confirmed and which a power loss has brought back, with nobody
   * behind them. To be called when all clients have ended.
   */
  async outlive(): Promise<void> {
    const { http } = this.#context
    const { group } = this.#plan
    const { json } = await http.ask('GET', `/groups/${group}`)
    for (const { member_id } of (json['members'] ?? []) as { readonly member_id: string }[]) {
      if (member_id === this.memberId) continue
      await http.ask('POST', `/groups/${group}/leave`, { body: { member_id } })
    }
  }

  /** What it was handed; undefined where it must join again first. */
  async poll({ maxMessages, waitMs, visibilityMs }: PollPlan): Promise<HandOut[] | undefined> {
    const { group } = this.#plan
    const member = this.memberId
    const query = new URLSearchParams({
      ...{ member_id: member, max_messages: String(maxMessages), timeout: `${waitMs}ms` },
      ...(visibilityMs > 0 ? { visibility_timeout: `${visibilityMs}ms` } : {}),
    })
    const reply = await this.#context.http.ask('GET', `/groups/${group}/poll?${query}`, {
      timeoutMs: waitMs + 4000,
    })
    const handOuts = reply.outcome === 'ok' ? handOutsOf(reply) : []
    const { client } = this
    this.#context.history.record({
      ...{ op: 'poll', client, group, member, visibilityMs, handOuts },
      ...toldBy(reply),
    })
    const mustJoin = reply.outcome !== 'ok' || reply.json['rebalance_required'] === true
    return mustJoin && handOuts.length === 0 ? undefined : handOuts
  }

  /** With the generation of its last join, unless another is given. True where it was taken. */
  async commit(offsets: Record<string, number>, generation = this.generation): Promise<boolean> {
    const { group, topic } = this.#plan
    const member = this.memberId
    const body = { member_id: member, generation, offsets: { [topic]: offsets } }
    const reply = await this.#context.http.ask('POST', `/groups/${group}/offsets`, { body })
    const { client } = this
    this.#context.history.record({
      ...{ op: 'commit', client, group, topic, member, generation, offsets },
      ...toldBy(reply),
    })
    return reply.outcome === 'ok'
  }

  async settle(handOut: HandOut, kind: Settle['kind'], ms?: number): Promise<Reply> {
    const { group } = this.#plan
    const { client } = this
    const route = kind === 'extend' ? 'visibility' : kind
    const body = {
      receipt_handle: handOut.receipt,
      ...(kind === 'nack' && ms !== undefined ? { delay: `${ms}ms` } : {}),
      ...(kind === 'extend' ? { timeout: `${ms}ms` } : {}),
    }
    const reply = await this.#context.http.ask('POST', `/messages/${route}`, { body })
    const promised = kind === 'nack' ? backAfterMs(reply, ms) : ms
    this.#context.history.record({
      ...{ op: 'settle', client, kind, group, handOut, ms: promised },
      ...toldBy(reply),
    })
    return reply
  }

  /** Several at once, each with an answer of its own. */
  async ackAll(handOuts: readonly HandOut[]): Promise<void> {
    const { group } = this.#plan
    const { client } = this
    const body = { receipt_handles: handOuts.map(({ receipt }) => receipt) }
    const reply = await this.#context.http.ask('POST', '/messages/ack', { body })
    const results = (reply.json['results'] ?? []) as { acknowledged: boolean }[]
    for (const [index, handOut] of handOuts.entries()) {
      const isRefused = reply.outcome === 'ok' && results[index]?.acknowledged !== true
      this.#context.history.record({
        ...{ op: 'settle', client, kind: 'ack', group, handOut },
        ...toldBy(reply),
        ...(isRefused ? { outcome: 'refused' } : {}),
      })
    }
  }
}

/**
 * A nack of a lease that had run out already changes nothing: the reply says when the record comes back. It says so by
 * the broker's clock; where that is set back, nothing is concluded.
 */
function backAfterMs({ json, startWall }: Reply, ms = 0): number {
  const { visible_at: visibleAt } = json
  if (typeof visibleAt !== 'string') return 0
  return Math.max(0, Math.min(ms, Date.parse(visibleAt) - startWall))
}

function handOutsOf({ json }: Reply): HandOut[] {
  const messages = (json['messages'] ?? []) as JsonHandOut[]
  return messages.map((each) => ({
    ...{ topic: each.topic, partition: each.partition, offset: each.offset },
    ...{ id: idOf(each.value), priority: each.priority },
    ...{ receipt: each.receipt_handle ?? '', deliveryCount: each.delivery_count ?? 0 },
  }))
}

interface JsonHandOut {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: string
  readonly priority: string
  readonly receipt_handle?: string
  readonly delivery_count?: number
}

/** Where the group's committed offsets are. Undefined where there was no answer. */
export async function readFloors(
  { http, history }: WorkContext,
  { group, topic }: GroupPlan,
  client: string,
): Promise<Readonly<Record<string, number>> | undefined> {
  const reply = await http.ask('GET', `/groups/${group}/offsets?topic=${topic}`)
  const all = (reply.json['offsets'] ?? {}) as Record<string, Record<string, number>>
  const offsets = all[topic] ?? {}
  history.record({ op: 'floors', client, group, topic, offsets, ...toldBy(reply) })
  return reply.outcome === 'ok' ? offsets : undefined
}

/** How much of the topic is not settled for the group. */
export async function lagOf(
  { http }: WorkContext,
  { group, topic }: GroupPlan,
): Promise<{ readonly reply: Reply; readonly lag: number }> {
  for (let attempt = 0; ; attempt += 1) {
    const reply = await http.ask('GET', `/groups/${group}`)
    const lags = (reply.json['lag'] ?? {}) as Record<string, Record<string, number>>
    const lag = Object.values(lags[topic] ?? {}).reduce((sum, each) => sum + each, 0)
    if (reply.outcome === 'ok') return { reply, lag }
    if (attempt === ATTEMPTS_MAX) throw new Error(`GET /groups/${group}: ${reply.body}`)
    await pause(100)
  }
}
