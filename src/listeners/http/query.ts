/** Query strings and path parameters, read strictly: what is not exactly what it should be is named, not guessed at. */
import { invalid, parseTimeMs } from '../../api/index.ts'
import { parseDurationMs } from '../../kernel/duration.ts'
import { checkName } from '../../kernel/names.ts'

const INTEGER = /^\d{1,16}$/
const PARTITION = /^(?:0|[1-9]\d{0,8})$/

export interface Range {
  readonly min: number
  readonly max: number
}

/** Reads parameter by parameter, notes what is wrong, and says all of it in the end. Names not asked for are passed over. */
export class Query {
  readonly #given: Readonly<Record<string, unknown>>
  #fields: Record<string, string> | undefined

  constructor(query: unknown) {
    this.#given = query as Readonly<Record<string, unknown>>
  }

  /** Undefined where it is absent. */
  text(name: string): string | undefined {
    const value = this.#given[name]
    if (value === undefined || typeof value === 'string') return value
    this.refuse(name, 'must be given once')
    return undefined
  }

  integer(name: string, { min, max }: Range): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = INTEGER.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    this.refuse(name, `must be an integer from ${min} to ${max}`)
    return undefined
  }

  durationMs(name: string, maxMs: number): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = parseDurationMs(text)
    if (value !== undefined && value <= maxMs) return value
    this.refuse(name, `must be a duration up to ${maxMs} ms, such as "30s"`)
    return undefined
  }

  timeMs(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = parseTimeMs(text)
    if (value === undefined) this.refuse(name, 'must be an RFC 3339 time')
    return value
  }

  boolean(name: string): boolean | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (text !== 'true' && text !== 'false') this.refuse(name, 'must be true or false')
    return text === 'true'
  }

  refuse(name: string, problem: string): void {
    this.#fields ??= {}
    this.#fields[name] ??= problem
  }

  /** Throws INVALID_REQUEST naming all that was refused. */
  throwIfAny(): void {
    if (this.#fields !== undefined) throw invalid('the query', this.#fields)
  }
}

export interface TopicParams {
  readonly topic: string
}

export interface PartitionParams extends TopicParams {
  readonly partition: string
}

export interface GroupParams {
  readonly group: string
}

export interface TaskParams {
  readonly task: string
}

export interface OffsetParams {
  readonly offset: string
}

/** Throws INVALID_REQUEST. */
export function offsetOf({ offset }: OffsetParams): number {
  const value = INTEGER.test(offset) ? Number(offset) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw invalid('the path', { offset: 'must be an integer from 0' })
}

/** The group's name. Throws INVALID_REQUEST. */
export function groupOf({ group }: GroupParams): string {
  checkName('group', group)
  return group
}

let checked = ''

/** The topic's name. Throws INVALID_TOPIC_NAME. The last good name is remembered: requests repeat it. */
export function topicOf({ topic }: TopicParams): string {
  if (topic !== checked) {
    checkName('topic', topic)
    checked = topic
  }
  return topic
}

/** Throws INVALID_REQUEST. */
export function partitionOf({ partition }: PartitionParams): number {
  if (PARTITION.test(partition)) return Number(partition)
  throw invalid('the path', { partition: 'must be an integer from 0' })
}
