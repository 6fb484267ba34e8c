/** Many members over HTTP, each doing what a consumer does and nothing more: join, fetch, join again when told. */
import { Agent, request } from 'undici'
import { FETCH_TYPE, HEADER_REBALANCE } from '../../../src/api/index.ts'

export interface Joined {
  readonly member_id: string
  readonly generation: number
  readonly assigned_partitions: readonly string[]
}

export interface SwarmOptions {
  readonly url: string
  readonly group: string
  readonly topic: string
  /** Told each time the member sends a fetch. */
  readonly onReading: () => void
}

export class SwarmMember {
  readonly id: string
  readonly #options: SwarmOptions
  readonly #agent: Agent
  readonly #gone = new AbortController()
  #reading: Promise<void> = Promise.resolve()
  generation = 0
  /** The generation of its last fetch. */
  readingIn = 0
  partitions: readonly string[] = []
  joins = 0

  constructor(id: string, options: SwarmOptions, agent: Agent) {
    this.id = id
    this.#options = options
    this.#agent = agent
  }

  /** Resolves when it has joined; it reads from then on. */
  async start(): Promise<void> {
    await this.#join()
    this.#reading = this.#read().catch((error: unknown) => {
      if (!this.#gone.signal.aborted) throw error
    })
  }

  async leave(): Promise<void> {
    await this.crash()
    await this.#post('leave', { member_id: this.id })
  }

  /** Without a word. */
  async crash(): Promise<void> {
    this.#gone.abort()
    await this.#reading
  }

  async #join(): Promise<void> {
    this.joins += 1
    const { topic } = this.#options
    const body = { client_id: 'swarm', member_id: this.id, topics: [topic], mode: 'offset' }
    const joined = (await this.#post('join', body)) as Joined
    this.generation = joined.generation
    this.partitions = joined.assigned_partitions
  }

  async #read(): Promise<void> {
    const { url, group, topic, onReading } = this.#options
    for (;;) {
      this.readingIn = this.generation
      onReading()
      const reads = this.partitions.map((name) => ({
        topic,
        partition: Number(name.slice(topic.length + 1)),
        offset: 0,
      }))
      const { statusCode, headers, body } = await request(`${url}/groups/${group}/fetch`, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: this.#gone.signal,
        headers: { 'content-type': 'application/json', accept: FETCH_TYPE },
        body: JSON.stringify({
          ...{ member_id: this.id, generation: this.generation, reads },
          timeout: '30s',
        }),
      })

      if (statusCode !== 200) throw new Error(`fetch answered ${statusCode} ${await body.text()}`)
      await body.arrayBuffer()
      if (headers[HEADER_REBALANCE] === '1') await this.#join()
    }
  }

  async #post(route: string, body: object): Promise<unknown> {
    const { url, group } = this.#options
    const answer = await request(`${url}/groups/${group}/${route}`, {
      method: 'POST',
      dispatcher: this.#agent,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${route} answered ${text}`)
    return JSON.parse(text)
  }
}

/** Members of one group, and when the last of them read in a generation. */
export class Swarm {
  readonly members = new Map<string, SwarmMember>()
  readonly #options: Omit<SwarmOptions, 'onReading'>
  readonly #agent = new Agent({ connections: 2_000, pipelining: 1 })
  #onReading: () => void = () => undefined

  constructor(options: Omit<SwarmOptions, 'onReading'>) {
    this.#options = options
  }

  add(id: string): SwarmMember {
    const onReading = (): void => this.#onReading()
    const member = new SwarmMember(id, { ...this.#options, onReading }, this.#agent)
    this.members.set(id, member)
    return member
  }

  remove(id: string): SwarmMember | undefined {
    const member = this.members.get(id)
    this.members.delete(id)
    return member
  }

  /** Resolves when all members read in the same generation and hold `partitions` partitions between them. */
  async settled(partitions: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onReading = () => {
        if (this.#isSettled(partitions)) resolve()
      }
      this.#onReading()
    })
    this.#onReading = () => undefined
  }

  #isSettled(partitions: number): boolean {
    const [first] = this.members.values()
    let held = 0
    for (const member of this.members.values()) {
      if (member.readingIn !== first?.readingIn) return false
      held += member.partitions.length
    }
    return held === partitions
  }

  async end(): Promise<void> {
    await Promise.all([...this.members.values()].map((member) => member.crash()))
    await this.#agent.close()
  }
}
