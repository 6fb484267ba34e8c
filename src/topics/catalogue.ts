/**
 * The list of topics as a state machine.
 *
 *   topic.created     a name gets an id, its partitions and its configuration
 *   topic.configured  the whole new configuration
 *   topic.deleted     the name is free again, the id is never used again
 *
 * A topic's files lie under `topics/<name>~<id>`: one made again under the same name never meets the old ones.
 */
import { BrokerError } from '../kernel/errors.ts'
import { NAME_PATTERN } from '../kernel/names.ts'
import { type StateMachine, strictJsonCodec } from '../state/index.ts'
import { changedConfig, type TopicConfig } from './config.ts'

export interface TopicEntry {
  readonly id: number
  readonly name: string
  readonly partitions: number
  readonly config: TopicConfig
  readonly createdAtMs: number
}

export type TopicCommand =
  | {
      readonly type: 'create'
      readonly name: string
      readonly partitions: number
      readonly config: TopicConfig
    }
  | {
      readonly type: 'configure'
      readonly name: string
      readonly change: Partial<TopicConfig>
    }
  | { readonly type: 'delete'; readonly name: string }

export type TopicEvent =
  | ({ readonly type: 'topic.created' } & TopicEntry)
  | { readonly type: 'topic.configured'; readonly id: number; readonly config: TopicConfig }
  | { readonly type: 'topic.deleted'; readonly id: number }

export interface CatalogueSnapshot {
  readonly version: 1
  readonly nextId: number
  readonly topics: readonly TopicEntry[]
}

export interface CatalogueLimits {
  readonly topicsMax: number
  /** Of all topics together. */
  readonly partitionsMax: number
}

interface CatalogueDecision {
  readonly events: readonly TopicEvent[]
  readonly reply: TopicEntry
}

export class Catalogue
  implements StateMachine<TopicCommand, TopicEvent, TopicEntry, CatalogueSnapshot>
{
  readonly #limits: CatalogueLimits
  readonly #byName = new Map<string, TopicEntry>()
  readonly #byId = new Map<number, TopicEntry>()
  #nextId = 1
  #partitions = 0

  constructor(limits: CatalogueLimits) {
    this.#limits = limits
  }

  /** The id that the next topic will get; no topic ever had it or a greater one. */
  get nextId(): number {
    return this.#nextId
  }

  topics(): readonly TopicEntry[] {
    return [...this.#byId.values()]
  }

  get(name: string): TopicEntry | undefined {
    return this.#byName.get(name)
  }

  decide(command: TopicCommand, nowMs: number): CatalogueDecision {
    switch (command.type) {
      case 'create':
        return this.#create(command, nowMs)
      case 'configure': {
        const entry = this.#existing(command.name)
        const config = configOrRefusal(entry, command.change)
        return {
          events: [{ type: 'topic.configured', id: entry.id, config }],
          reply: { ...entry, config },
        }
      }
      case 'delete': {
        const entry = this.#existing(command.name)
        return { events: [{ type: 'topic.deleted', id: entry.id }], reply: entry }
      }
    }
  }

  apply(event: TopicEvent): void {
    switch (event.type) {
      case 'topic.created': {
        const { type: _, ...entry } = event
        this.#add(entry)
        return
      }
      case 'topic.configured': {
        const entry = this.#byId.get(event.id)
        if (entry) this.#put({ ...entry, config: event.config })
        return
      }
      case 'topic.deleted': {
        const entry = this.#byId.get(event.id)
        if (!entry) return
        this.#byId.delete(entry.id)
        this.#byName.delete(entry.name)
        this.#partitions -= entry.partitions
      }
    }
  }

  snapshot(): CatalogueSnapshot {
    return { version: 1, nextId: this.#nextId, topics: this.topics() }
  }

  restore(snapshot: CatalogueSnapshot): void {
    for (const entry of snapshot.topics) this.#add(entry)
    this.#nextId = snapshot.nextId
  }

  #create(command: TopicCommand & { type: 'create' }, nowMs: number): CatalogueDecision {
    const { name, partitions, config } = command
    if (this.#byName.has(name)) {
      throw new BrokerError('TOPIC_EXISTS', `topic ${name} exists already`)
    }
    const { topicsMax, partitionsMax } = this.#limits
    if (this.#byName.size >= topicsMax) {
      throw new BrokerError('LIMIT_REACHED', `there are ${topicsMax} topics, no more are allowed`)
    }
    if (this.#partitions + partitions > partitionsMax) {
      const sum = `${this.#partitions} partitions and ${partitions} more`
      throw new BrokerError('LIMIT_REACHED', `${sum} would be over the limit of ${partitionsMax}`)
    }
    const entry = { id: this.#nextId, name, partitions, config, createdAtMs: nowMs }
    return { events: [{ type: 'topic.created', ...entry }], reply: entry }
  }

  #existing(name: string): TopicEntry {
    const entry = this.#byName.get(name)
    if (entry === undefined) throw topicNotFound(name)
    return entry
  }

  #add(entry: TopicEntry): void {
    this.#put(entry)
    this.#partitions += entry.partitions
    this.#nextId = Math.max(this.#nextId, entry.id + 1)
  }

  #put(entry: TopicEntry): void {
    this.#byId.set(entry.id, entry)
    this.#byName.set(entry.name, entry)
  }
}

export const topicNotFound = (name: string): BrokerError =>
  new BrokerError('TOPIC_NOT_FOUND', `there is no topic ${name}`)

function configOrRefusal(entry: TopicEntry, change: Partial<TopicConfig>): TopicConfig {
  const fields: Record<string, string> = {}
  const config = changedConfig(entry.config, change, fields)
  if (Object.keys(fields).length === 0) return config
  throw new BrokerError('INVALID_CONFIG', `impossible configuration of topic ${entry.name}`, {
    fields,
  })
}

export const catalogueCodec = strictJsonCodec<TopicEvent, CatalogueSnapshot>(
  { 'topic.created': true, 'topic.configured': true, 'topic.deleted': true },
  1,
)

const DIRECTORY = new RegExp(`^(${NAME_PATTERN})~([0-9a-z]{1,10})$`)

/** Ids in base 36: five of their digits, 60 million topics, fit a file name beside the longest topic name. */
export const topicDirectory = ({ name, id }: Pick<TopicEntry, 'name' | 'id'>): string =>
  `${name}~${id.toString(36)}`

/**
 * The directories of topics that were deleted; what is not named as topics are is nobody's business here.
 *
 * Throws LOG_CORRUPT for an id that was not given out yet. Such a directory cannot be left over: the catalogue
 * itself is lost or old then, and removing anything would make it worse.
 */
export function leftovers(catalogue: Catalogue, directories: readonly string[]): string[] {
  const known = new Set(catalogue.topics().map(topicDirectory))
  return directories.filter((directory) => {
    const id = idOfDirectory(directory)
    if (id === undefined || known.has(directory)) return false
    if (id < catalogue.nextId) return true
    throw new BrokerError(
      'LOG_CORRUPT',
      `topics/${directory} is newer than the catalogue in state/topics: was that lost?`,
    )
  })
}

function idOfDirectory(directory: string): number | undefined {
  const digits = DIRECTORY.exec(directory)?.[2]
  return digits === undefined ? undefined : Number.parseInt(digits, 36)
}
