/** A topic as publishers and readers use it over HTTP. */
import { decodeChecked } from '../../../src/client/index.ts'
import { now } from '../history/history.ts'
import { type Acks, type Found, type Place, UNREADABLE } from '../history/operation.ts'
import { idOf, textOf } from '../history/values.ts'
import type { WorkContext } from '../workloads/workload.ts'
import { pause, type Reply, toldBy } from './http.ts'

export const PRIORITIES = ['critical', 'high', 'normal', 'low', 'background'] as const

export interface TopicOptions {
  readonly name: string
  readonly partitions: number
  readonly config?: Readonly<Record<string, unknown>>
}

export interface Sending {
  readonly client: string
  readonly ids: readonly string[]
  readonly acks: Acks
  readonly priority?: string
  readonly partition?: number
  readonly key?: string
  /** Sent again until an answer comes, under one idempotency key. */
  readonly isRepeated?: boolean
}

export interface ReadAt {
  readonly client: string
  readonly partition: number
  readonly offset: number
  readonly limit: number
  readonly form: 'json' | 'raw'
}

const RECORDS = 'application/vnd.goqueue.records'
const ATTEMPTS_MAX = 20

export class Topic {
  readonly name: string
  readonly partitions: number
  readonly #options: TopicOptions
  readonly #context: WorkContext

  constructor(context: WorkContext, options: TopicOptions) {
    this.#context = context
    this.#options = options
    this.name = options.name
    this.partitions = options.partitions
  }

  async create(): Promise<void> {
    const { name, partitions, config } = this.#options
    const body = { name, num_partitions: partitions, config }
    const { status, body: answer } = await this.#context.http.ask('POST', '/topics', { body })
    if (status !== 201) throw new Error(`POST /topics ${name}: ${status} ${answer}`)
  }

  async publish(sending: Sending): Promise<void> {
    const { ids, acks, priority = 'normal', partition, key, client } = sending
    const body = {
      acks,
      messages: ids.map((id) => ({
        ...{ value: textOf(id), priority },
        ...(partition === undefined ? {} : { partition }),
        ...(key === undefined ? {} : { key }),
      })),
    }
    const start = now()
    const reply = await this.#send(body, sending)
    const places = reply.outcome === 'ok' ? placesOf(reply) : undefined
    this.#context.history.record({
      ...{ op: 'publish', client, topic: this.name, acks, ids, priority, places },
      isOneBatch: partition !== undefined || key !== undefined,
      ...toldBy(reply),
      start: start.ms,
      startWall: start.wall,
    })
  }

  async #send(body: unknown, { ids, isRepeated = false }: Sending): Promise<Reply> {
    const path = `/topics/${this.name}/messages`
    const headers = isRepeated ? { 'idempotency-key': ids[0] ?? '' } : {}
    let reply = await this.#context.http.ask('POST', path, { body, headers })
    if (!isRepeated) return reply
    let wasSent = reply.outcome === 'unknown'
    for (let attempt = 1; attempt < ATTEMPTS_MAX && reply.outcome !== 'ok'; attempt += 1) {
      await pause(this.#context.random.int(100))
      reply = await this.#context.http.ask('POST', path, { body, headers })
      wasSent ||= reply.outcome === 'unknown'
    }
    // Refused at last says nothing about the attempts before.
    return reply.outcome === 'refused' && wasSent ? { ...reply, outcome: 'unknown' } : reply
  }

  /** Resolves with the offset behind what was read; undefined where there was no answer. */
  async read(at: ReadAt): Promise<number | undefined> {
    const { partition, offset, limit, form } = at
    const path = `/topics/${this.name}/partitions/${partition}/messages?offset=${offset}&limit=${limit}`
    const headers = form === 'raw' ? { accept: RECORDS } : {}
    const reply = await this.#context.http.ask('GET', path, { headers })
    return this.#noteRead(at, reply)
  }

  #noteRead(
    { client, partition, offset }: Pick<ReadAt, 'client' | 'partition' | 'offset'>,
    reply: Reply,
  ): number | undefined {
    const { found, next, highWatermark } =
      reply.outcome === 'ok' ? readOf(reply) : { found: [], next: -1, highWatermark: -1 }
    this.#context.history.record({
      ...{ op: 'read', client, topic: this.name, partition, offset, found, next, highWatermark },
      ...toldBy(reply),
    })
    return reply.outcome === 'ok' ? next : undefined
  }

  /** Everything there is, for the end of a run. */
  async readAll(): Promise<void> {
    for (let partition = 0; partition < this.partitions; partition += 1) {
      const start = now()
      const all: Found[] = []
      let last: Reply | undefined
      for (let offset = 0; ; ) {
        const path = `/topics/${this.name}/partitions/${partition}/messages?offset=${offset}&limit=10000`
        last = await this.#insist(path)
        if (last.outcome === 'refused') {
          this.#noteRead({ client: 'end', partition, offset }, last)
          break
        }
        const { found, next } = readOf(last)
        for (const each of found) all.push(each)
        if (found.length === 0) break
        offset = next
      }
      this.#context.history.record({
        ...{ op: 'final', client: 'end', topic: this.name, partition, found: all },
        ...toldBy(last),
        start: start.ms,
        startWall: start.wall,
      })
    }
  }

  async #insist(path: string): Promise<Reply> {
    for (let attempt = 0; ; attempt += 1) {
      const reply = await this.#context.http.ask('GET', path)
      if (reply.outcome === 'ok' || UNREADABLE.has(reply.code)) return reply
      if (attempt === ATTEMPTS_MAX) throw new Error(`GET ${path}: ${reply.status} ${reply.body}`)
      await pause(100)
    }
  }
}

function placesOf({ json }: Reply): Place[] {
  const results = json['results'] as { partition: number; offset: number }[]
  return results.map(({ partition, offset }) => ({ partition, offset }))
}

interface ReadReply {
  readonly found: Found[]
  readonly next: number
  readonly highWatermark: number
}

const PRIORITY_NAMES: readonly (string | undefined)[] = PRIORITIES

function readOf({ json, body, headers }: Reply): ReadReply {
  if (headers['content-type'] === RECORDS) {
    const found = decoded(body)
    const next = Number(headers['x-goqueue-next-offset'])
    return { found, next, highWatermark: Number(headers['x-goqueue-high-watermark']) }
  }
  const messages = json['messages'] as JsonMessage[]
  return {
    found: messages.map(({ offset, value, timestamp, priority, headers }) => ({
      ...{ offset, id: idOf(value), timestamp: Date.parse(timestamp), priority },
      ...groupOf(headers?.[LETTER_HEADER]),
    })),
    next: Number(json['next_offset']),
    highWatermark: Number(json['high_watermark']),
  }
}

function decoded(body: Buffer): Found[] {
  try {
    return decodeChecked(body).map(({ offset, value, timestampMs, priority }) => ({
      ...{ offset, id: idOf(String(value)), timestamp: timestampMs },
      priority: PRIORITY_NAMES[priority] ?? '?',
    }))
  } catch (error) {
    return [{ offset: -1, id: `damaged:${error}`, timestamp: 0, priority: '?' }]
  }
}

interface JsonMessage {
  readonly offset: number
  readonly value: string
  readonly timestamp: string
  readonly priority: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What a dead letter says of itself. */
const LETTER_HEADER = 'goqueue-dead-letter'

const groupOf = (letter: string | undefined): { readonly group?: string } =>
  letter === undefined ? {} : { group: String((JSON.parse(letter) as { group: unknown }).group) }
