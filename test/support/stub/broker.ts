/**
 * A broker of a few hundred lines, in memory: the judge of the clients. It stores raw batches with idempotence,
 * answers fetches, runs groups, and misbehaves on command.
 */
import { BrokerError } from '../../../src/kernel/errors.ts'
import type { Clock } from '../../../src/kernel/platform.ts'
import { decodeWireBatch } from '../../../src/record/index.ts'
import { FakeClock } from '../fakeClock.ts'
import { Cut, errorReply, json, type StubReply, type StubRequest } from './exchange.ts'
import { fetchFrames, type ReadWish } from './fetch.ts'
import { StubGroups } from './groups.ts'
import { StubLog, type StubTopics } from './log.ts'

/**
 * delayMs: it takes so long to arrive. cut: the connection drops before. dropReply: it drops after. replyDelayMs:
 * the answer takes so long.
 */
export interface Fault {
  readonly delayMs?: number
  readonly replyDelayMs?: number
  readonly cut?: boolean
  readonly dropReply?: boolean
  readonly refuse?: BrokerError
}

type Handler = (request: StubRequest, parts: readonly string[]) => StubReply | Promise<StubReply>

export class StubBroker implements StubTopics {
  readonly clock: Clock
  readonly topics = new Map<string, StubLog[]>()
  /** Delay logs, by `topic/partition`; nothing in them is ever delivered. */
  readonly delayed = new Map<string, StubLog>()
  readonly groups: StubGroups
  /** Asked for each request; undefined lets it pass. */
  fault: (request: StubRequest) => Fault | undefined = () => undefined
  /** Requests that arrived, cut ones not counted. */
  readonly served: { readonly method: string; readonly path: string; readonly bytes: number }[] = []
  /** Called where a request broke the stub itself, or its connection broke under it. */
  onFailure: (error: unknown) => void = () => undefined
  /** Called with each request that arrives. */
  onRequest: (request: StubRequest) => void = () => undefined

  constructor(clock: Clock = new FakeClock()) {
    this.clock = clock
    this.groups = new StubGroups(this)
  }

  createTopic(name: string, partitions = 1): StubLog[] {
    const logs = Array.from({ length: partitions }, () => new StubLog())
    this.topics.set(name, logs)
    return logs
  }

  log(topic: string, partition: number): StubLog {
    const logs = this.topics.get(topic)
    if (logs === undefined) throw new BrokerError('TOPIC_NOT_FOUND', `no topic ${topic}`)
    const log = logs[partition]
    if (log !== undefined) return log
    throw new BrokerError('PARTITION_NOT_FOUND', `no partition ${partition} in ${topic}`)
  }

  /** Where messages of a partition wait. */
  delayLog(topic: string, partition: number): StubLog {
    this.log(topic, partition)
    const name = `${topic}/${partition}`
    const log = this.delayed.get(name) ?? new StubLog()
    this.delayed.set(name, log)
    return log
  }

  /** Texts of all records of a partition. */
  values(topic: string, partition = 0): string[] {
    return this.log(topic, partition)
      .records()
      .map(({ value }) => value?.toString() ?? '')
  }

  /** Throws {@link Cut} where the connection is to be dropped. */
  async handle(request: StubRequest): Promise<StubReply> {
    this.onRequest(request)
    const fault = this.fault(request)
    if (fault?.delayMs !== undefined) await this.sleep(fault.delayMs)
    if (fault?.cut) throw new Cut()
    this.served.push({
      method: request.method,
      path: request.path,
      bytes: request.body.length,
    })
    const reply = fault?.refuse ? errorReply(fault.refuse) : await this.#answer(request)
    if (fault?.replyDelayMs !== undefined) await this.sleep(fault.replyDelayMs)
    if (fault?.dropReply) throw new Cut()
    return reply
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimer(ms, resolve))
  }

  async #answer(request: StubRequest): Promise<StubReply> {
    try {
      const parts = request.path.split('/').slice(1).map(decodeURIComponent)
      const handler = this.#route(request.method, parts)
      if (handler) return await handler(request, parts)
      throw new BrokerError('ROUTE_NOT_FOUND', `${request.method} ${request.path}`)
    } catch (error) {
      if (error instanceof BrokerError) return errorReply(error)
      throw error
    }
  }

  #route(method: string, [first, , third, , fifth]: readonly string[]): Handler | undefined {
    if (first === 'fetch') return (request) => this.#fetch(request)
    if (first === 'groups') return (request, parts) => this.groups.handle(request, parts)
    if (first !== 'topics') return undefined
    if (method === 'POST' && third === 'messages')
      return (request, parts) => this.#publish(request, parts)
    if (fifth === 'offset') return (request, parts) => this.#offsetAtTime(request, parts)
    return (_request, parts) => this.#describe(parts)
  }

  #publish({ query, body }: StubRequest, [, topic = '']: readonly string[]): StubReply {
    const partition = Number(query.get('partition'))
    const delayed = query.get('delayed') === 'true'
    const log = delayed ? this.delayLog(topic, partition) : this.log(topic, partition)
    const run = log.append(decodeWireBatch(body, { delayed }), this.clock.nowMs())
    const result = {
      partition,
      offset: run.offset,
      count: run.count,
      timestamp: new Date(run.timestampMs).toISOString(),
      ...(run.isDuplicate ? { duplicate: true } : {}),
      ...(run.isReset ? { producer_reset: true } : {}),
      ...(delayed ? { delayed } : {}),
    }
    const durability = { none: 'none', leader: 'memory', all: 'disk' }[query.get('acks') ?? 'all']
    return json({ results: [result], durability })
  }

  #describe([, topic = '']: readonly string[]): StubReply {
    this.log(topic, 0)
    const logs = this.topics.get(topic) ?? []
    const offsets = logs.map(({ earliest, latest }, i) => [i, { earliest, latest }])
    return json({
      name: topic,
      partitions: logs.length,
      partition_offsets: Object.fromEntries(offsets),
      config: {},
    })
  }

  #offsetAtTime({ query }: StubRequest, [, topic = '', , partition]: readonly string[]): StubReply {
    const log = this.log(topic, Number(partition))
    const atMs = Date.parse(query.get('time') ?? '')
    const found = log.records().find(({ timestampMs }) => timestampMs >= atMs)
    const timestampMs = found?.timestampMs ?? this.clock.nowMs()
    return json({
      offset: found?.offset ?? log.latest,
      timestamp: new Date(timestampMs).toISOString(),
    })
  }

  async #fetch({ body, signal }: StubRequest): Promise<StubReply> {
    const wish = JSON.parse(body.toString()) as ReadWish
    return { status: 200, body: await fetchFrames(this, wish, signal) }
  }
}
