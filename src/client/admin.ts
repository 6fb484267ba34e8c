/** Topics and the broker's own state. The shapes are those of the HTTP contract. */
import type {
  PartitionsReply,
  Readiness,
  TopicConfigInput,
  TopicReply,
  Version,
} from '../api/index.ts'
import { type Connection, pathOf } from './connection.ts'

export interface CreateTopic {
  readonly name: string
  /** Default: the broker's. */
  readonly partitions?: number | undefined
  readonly config?: TopicConfigInput | undefined
}

export interface CreatedTopic {
  readonly name: string
  readonly partitions: number
}

export class Admin {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Rejects with TOPIC_EXISTS, INVALID_TOPIC_NAME, INVALID_PARTITIONS or INVALID_CONFIG. */
  async createTopic({ name, partitions, config }: CreateTopic): Promise<CreatedTopic> {
    const json = { name, num_partitions: partitions, config }
    const reply = await this.#connection.askJson({ method: 'POST', path: '/topics', json })
    return reply as CreatedTopic
  }

  /** The names of all topics, sorted. */
  async listTopics(): Promise<readonly string[]> {
    const reply = await this.#connection.askJson({ method: 'GET', path: '/topics' })
    return (reply as { readonly topics: readonly string[] }).topics
  }

  /** Rejects with TOPIC_NOT_FOUND. */
  async describeTopic(name: string): Promise<TopicReply> {
    const reply = await this.#connection.askJson({ method: 'GET', path: pathOf('topics', name) })
    return reply as TopicReply
  }

  /** Rejects with TOPIC_NOT_FOUND. */
  async partitionsOf(name: string): Promise<PartitionsReply['partitions']> {
    const path = pathOf('topics', name, 'partitions')
    const reply = await this.#connection.askJson({ method: 'GET', path })
    return (reply as PartitionsReply).partitions
  }

  /** Changes what is named and leaves the rest. Rejects with TOPIC_NOT_FOUND or INVALID_CONFIG. */
  async configureTopic(name: string, config: TopicConfigInput): Promise<TopicReply> {
    const path = pathOf('topics', name)
    const reply = await this.#connection.askJson({ method: 'PATCH', path, json: { config } })
    return reply as TopicReply
  }

  /** Resolves when the topic is gone for good. Rejects with TOPIC_NOT_FOUND. */
  async deleteTopic(name: string): Promise<void> {
    await this.#connection.askJson({ method: 'DELETE', path: pathOf('topics', name) })
  }

  /** Whether the broker takes work, with each of its checks. A broker that does not is an answer, not an error. */
  async readiness(): Promise<Readiness> {
    const reply = await this.#connection.askJson({
      method: 'GET',
      path: '/readyz',
      query: { verbose: 'true' },
      alsoAnswers: [503],
    })
    return reply as Readiness
  }

  /** What runs there. */
  async version(): Promise<Version> {
    const reply = await this.#connection.askJson({ method: 'GET', path: '/version' })
    return reply as Version
  }
}
