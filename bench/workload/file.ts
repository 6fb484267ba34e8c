/**
 * Workload files of the OpenMessaging Benchmark, read as they are.
 *
 * What a file leaves out is what it is there: no key, one minute of warm-up, no backlog. A field that means nothing
 * here is named in the notes and otherwise ignored, so that files of later versions run too.
 */
import { parse } from 'yaml'
import { DataError } from '../support/command.ts'

export const KEY_DISTRIBUTORS = ['NO_KEY', 'KEY_ROUND_ROBIN', 'RANDOM_NANO'] as const
export type KeyDistributor = (typeof KEY_DISTRIBUTORS)[number]

export interface Workload {
  readonly name: string
  readonly topics: number
  readonly partitionsPerTopic: number
  readonly keyDistributor: KeyDistributor
  /** Bytes of a value. */
  readonly messageSize: number
  readonly useRandomizedPayloads: boolean
  /** Share of random bytes in a value, 0 to 1; the rest is zeros. */
  readonly randomBytesRatio: number
  readonly randomizedPayloadPoolSize: number
  readonly payloadFile: string | undefined
  readonly subscriptionsPerTopic: number
  readonly consumerPerSubscription: number
  readonly producersPerTopic: number
  /** Messages a second, of all producers together; 0: as fast as whoever reads keeps up. */
  readonly producerRate: number
  /** Readers stand still until so much lies there, then drain it. Of 2^30 bytes. */
  readonly consumerBacklogSizeGB: number
  /** The backlog counts as drained when this share of it is read, 0 to 1. */
  readonly backlogDrainRatio: number
  readonly testDurationMinutes: number
  readonly warmupDurationMinutes: number
}

/** From this rate on publishers go as fast as they can, whether or not anybody keeps up. */
export const UNLIMITED_RATE = 10_000_000

interface Field {
  /** Undefined where the file must say. */
  readonly default: number | undefined
  readonly min: number
  readonly max?: number
  readonly whole?: boolean
}

const count = (min: number, value?: number): Field => ({ default: value, min, whole: true })

const NUMBERS = {
  topics: count(1),
  partitionsPerTopic: count(1),
  messageSize: count(1),
  randomBytesRatio: { default: 0, min: 0, max: 1 },
  randomizedPayloadPoolSize: count(0, 0),
  subscriptionsPerTopic: count(0),
  consumerPerSubscription: count(0, 1),
  producersPerTopic: count(1),
  producerRate: { default: undefined, min: 0 },
  consumerBacklogSizeGB: { default: 0, min: 0 },
  backlogDrainRatio: { default: 1, min: 0, max: 1 },
  testDurationMinutes: { default: undefined, min: 0 },
  warmupDurationMinutes: { default: 1, min: 0 },
} as const satisfies Record<string, Field>

const OTHERS = ['name', 'keyDistributor', 'useRandomizedPayloads', 'payloadFile']

export interface ReadWorkload {
  readonly workload: Workload
  readonly notes: readonly string[]
}

function numberOf(
  given: Readonly<Record<string, unknown>>,
  name: keyof typeof NUMBERS,
): number | string {
  const field: Field = NUMBERS[name]
  const value = given[name] ?? field.default
  if (value === undefined) return `${name} is missing`
  const { min, max = Number.MAX_SAFE_INTEGER } = field
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    return `${name} must be a number of at least ${min}${field.max === undefined ? '' : `, at most ${max}`}`
  }
  return field.whole && !Number.isInteger(value) ? `${name} must be a whole number` : value
}

function objectOf(text: string, path: string): Readonly<Record<string, unknown>> {
  let content: unknown
  try {
    content = parse(text)
  } catch (error) {
    throw new DataError(`${path} is no YAML: ${error instanceof Error ? error.message : error}`)
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
    return { ...content }
  }
  throw new DataError(`${path} is no workload: fields such as topics and messageSize are expected`)
}

/** `path` is for messages. Throws a DataError that names every field that is wrong. */
export function readWorkload(text: string, path: string): ReadWorkload {
  const given = objectOf(text, path)
  const problems: string[] = []
  const numbers = Object.fromEntries(
    Object.keys(NUMBERS).map((name) => {
      const value = numberOf(given, name as keyof typeof NUMBERS)
      if (typeof value === 'string') problems.push(value)
      return [name, Number(value)]
    }),
  ) as Record<keyof typeof NUMBERS, number>
  const keyDistributor = KEY_DISTRIBUTORS.find(
    (each) => each === (given['keyDistributor'] ?? 'NO_KEY'),
  )
  if (keyDistributor === undefined) {
    problems.push(`keyDistributor must be one of ${KEY_DISTRIBUTORS.join(', ')}`)
  }
  const useRandomizedPayloads = given['useRandomizedPayloads'] === true
  if (useRandomizedPayloads && numbers.randomizedPayloadPoolSize === 0) {
    problems.push('randomizedPayloadPoolSize must be at least 1 with useRandomizedPayloads')
  }
  if (numbers.consumerBacklogSizeGB > 0 && numbers.producerRate === 0) {
    problems.push('a backlog needs a producerRate above 0')
  }
  if (problems.length > 0) throw new DataError(`${path}: ${problems.join('; ')}`)
  const ignored = Object.keys(given).filter((name) => !(name in NUMBERS) && !OTHERS.includes(name))
  const payloadFile = given['payloadFile']
  return {
    workload: {
      ...numbers,
      name: typeof given['name'] === 'string' ? given['name'] : path,
      keyDistributor: keyDistributor ?? 'NO_KEY',
      useRandomizedPayloads,
      payloadFile: typeof payloadFile === 'string' ? payloadFile : undefined,
    },
    notes: ignored.length === 0 ? [] : [`ignored: ${ignored.join(', ')}`],
  }
}
