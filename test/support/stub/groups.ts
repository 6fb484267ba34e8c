/**
 * Groups in offset mode, as far as the consumer needs them: range assignment at once with each change, generations,
 * floors, waiting fetches told of a rebalance. Members are evicted by the test, not by time.
 */
import { BrokerError } from '../../../src/kernel/errors.ts'
import { json, type StubReply, type StubRequest } from './exchange.ts'
import { fetchFrames, type ReadWish } from './fetch.ts'
import type { StubTopics } from './log.ts'

interface Member {
  readonly topics: readonly string[]
  assigned: Map<string, number[]>
}

export class StubGroup {
  generation = 0
  readonly members = new Map<string, Member>()
  /** By topic and partition. */
  readonly floors = new Map<string, Map<number, number>>()
  readonly #told = new Set<() => void>()

  /** Ends the generation: assigns anew and tells who waits. */
  rebalance(broker: StubTopics): void {
    this.generation += 1
    const ids = [...this.members.keys()].sort()
    for (const member of this.members.values()) member.assigned = new Map()
    for (const [topic, logs] of broker.topics) {
      const readers = ids.filter((id) => this.members.get(id)?.topics.includes(topic))
      let next = 0
      for (const [rank, id] of readers.entries()) {
        const share = Math.floor(logs.length / readers.length)
        const count = share + (rank < logs.length % readers.length ? 1 : 0)
        const partitions = Array.from({ length: count }, (_, i) => next + i)
        next += count
        if (count > 0) this.members.get(id)?.assigned.set(topic, partitions)
      }
    }
    const told = [...this.#told]
    this.#told.clear()
    for (const tell of told) tell()
  }

  member(id: string): Member {
    const member = this.members.get(id)
    if (member === undefined) throw new BrokerError('UNKNOWN_MEMBER', `no member ${id}`)
    return member
  }

  onRebalance(tell: () => void): () => void {
    this.#told.add(tell)
    return () => void this.#told.delete(tell)
  }
}

interface Body {
  readonly member_id?: string
  readonly generation?: number
  readonly client_id?: string
  readonly topics?: readonly string[]
  readonly auto_offset_reset?: string
  readonly offsets?: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export class StubGroups {
  readonly #broker: StubTopics
  readonly #groups = new Map<string, StubGroup>()
  #nextMember = 0
  /** Joins, heartbeats and commits as they came. */
  readonly journal: string[] = []

  constructor(broker: StubTopics) {
    this.#broker = broker
  }

  get(name: string): StubGroup {
    const group = this.#groups.get(name) ?? new StubGroup()
    this.#groups.set(name, group)
    return group
  }

  /** The member is gone without having said so. */
  evict(name: string, memberId: string): void {
    const group = this.get(name)
    group.members.delete(memberId)
    group.rebalance(this.#broker)
  }

  async handle(request: StubRequest, parts: readonly string[]): Promise<StubReply> {
    const [, name = '', action = ''] = parts
    const group = this.get(name)
    const text = request.body.toString()
    const body = (text === '' ? {} : JSON.parse(text)) as Body
    if (action !== 'fetch') this.journal.push(`${request.method} ${action} ${body.member_id ?? ''}`)
    switch (`${request.method} ${action}`) {
      case 'POST join':
        return this.#join(group, body)
      case 'POST heartbeat':
        return this.#heartbeat(group, body)
      case 'POST leave':
        return this.#leave(group, body)
      case 'POST fetch':
        return await this.#fetch(group, body, request)
      case 'POST offsets':
        return this.#commit(group, body)
      case 'GET offsets':
        return json({ offsets: floorsOf(group) })
      default:
        throw new BrokerError('ROUTE_NOT_FOUND', `${request.method} ${request.path}`)
    }
  }

  #join(group: StubGroup, { member_id, client_id = 'client', topics = [] }: Body): StubReply {
    this.#nextMember += 1
    const id = member_id ?? `${client_id}-${String(this.#nextMember).padStart(4, '0')}`
    const before = group.members.get(id)
    if (before === undefined || before.topics.join() !== topics.join()) {
      group.members.set(id, { topics, assigned: new Map() })
      group.rebalance(this.#broker)
    }
    return this.#membered(group, id)
  }

  #heartbeat(group: StubGroup, { member_id = '', generation }: Body): StubReply {
    group.member(member_id)
    checkGeneration(group, generation)
    return this.#membered(group, member_id)
  }

  #leave(group: StubGroup, { member_id = '' }: Body): StubReply {
    group.member(member_id)
    group.members.delete(member_id)
    group.rebalance(this.#broker)
    return json({ left: true })
  }

  #commit(group: StubGroup, { member_id = '', generation, offsets = {} }: Body): StubReply {
    const member = group.member(member_id)
    if (generation !== undefined) checkGeneration(group, generation)
    for (const [topic, floors] of Object.entries(offsets)) {
      for (const partition of Object.keys(floors)) checkAssigned(member, topic, Number(partition))
    }
    for (const [topic, floors] of Object.entries(offsets)) {
      const known = group.floors.get(topic) ?? new Map<number, number>()
      group.floors.set(topic, known)
      for (const [partition, offset] of Object.entries(floors)) {
        const before = known.get(Number(partition)) ?? 0
        known.set(Number(partition), Math.max(before, offset))
      }
    }
    return json({ committed: true })
  }

  async #fetch(group: StubGroup, body: Body, { signal, body: bytes }: StubRequest) {
    const wish = JSON.parse(bytes.toString()) as ReadWish
    const { member_id = '', generation } = body
    const member = group.member(member_id)
    if (generation !== group.generation) return rebalanced
    for (const { topic, partition } of wish.reads) checkAssigned(member, topic, partition)
    const frames = await fetchFrames(this.#broker, wish, signal, (end) => group.onRebalance(end))
    group.member(member_id)
    return generation === group.generation ? { status: 200, body: frames } : rebalanced
  }

  #membered(group: StubGroup, id: string): StubReply {
    const assigned = [...group.member(id).assigned].flatMap(([topic, partitions]) =>
      partitions.map((partition) => `${topic}-${partition}`),
    )
    return json({
      member_id: id,
      generation: group.generation,
      state: 'stable',
      leader: false,
      assigned_partitions: assigned,
      rebalance_required: false,
    })
  }
}

const rebalanced: StubReply = { status: 200, headers: { 'x-goqueue-rebalance': '1' }, body: '' }

function checkGeneration(group: StubGroup, generation: number | undefined): void {
  if (generation === group.generation) return
  throw new BrokerError('STALE_GENERATION', `at ${group.generation}, not ${generation}`)
}

function checkAssigned(member: Member, topic: string, partition: number): void {
  if (member.assigned.get(topic)?.includes(partition)) return
  throw new BrokerError('NOT_ASSIGNED', `${topic}-${partition}`)
}

const floorsOf = (group: StubGroup): Record<string, Record<string, number>> =>
  Object.fromEntries([...group.floors].map(([topic, map]) => [topic, Object.fromEntries(map)]))
