/** What a caller may ask for when it makes a topic, with everything that is wrong told at once. */
import { BrokerError, type ErrorCode } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import { checkName } from '../kernel/names.ts'
import { changedConfig, type TopicConfig } from './config.ts'
import type { TopicsSettings } from './settings.ts'

export interface NewTopic {
  readonly name: string
  /** 1 to 1024; default as the broker is set, 3. */
  readonly partitions?: number | undefined
  readonly config?: Partial<TopicConfig> | undefined
}

export interface CheckedTopic {
  readonly name: string
  readonly partitions: number
  readonly config: TopicConfig
}

/** Throws INVALID_TOPIC_NAME, INVALID_PARTITIONS or INVALID_CONFIG, the first that applies, with all fields. */
export function checkedTopic(request: NewTopic, settings: TopicsSettings): CheckedTopic {
  const fields: Record<string, string> = {}
  const nameProblem = problemOfName(request.name)
  if (nameProblem !== undefined) fields['name'] = nameProblem
  const partitions = request.partitions ?? settings.defaultPartitions
  const max = Math.min(LIMITS.topicPartitionsMax, settings.partitionsMax)
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > max) {
    fields['partitions'] = `must be an integer from 1 to ${max}`
  }
  const config = changedConfig(settings.defaultConfig, request.config ?? {}, fields)
  const [first] = Object.keys(fields)
  if (first === undefined) return { name: request.name, partitions, config }
  throw new BrokerError(codeOf(first), `impossible topic: ${first} ${fields[first]}`, { fields })
}

function codeOf(field: string): ErrorCode {
  if (field === 'name') return 'INVALID_TOPIC_NAME'
  return field === 'partitions' ? 'INVALID_PARTITIONS' : 'INVALID_CONFIG'
}

function problemOfName(name: string): string | undefined {
  try {
    checkName('topic', name)
    return undefined
  } catch (error) {
    if (error instanceof BrokerError) return error.fields?.['name'] ?? error.message
    throw error
  }
}
