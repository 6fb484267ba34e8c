/** The topic of a topic's dead letters. */
import { LIMITS } from '../kernel/limits.ts'

const SUFFIX = '.dlq'

export const isDeadLetterTopic = (topic: string): boolean => topic.endsWith(SUFFIX)

/** `orders.dlq` of `orders` and of itself; a name that is too long for it is cut. */
export const deadLetterTopicOf = (topic: string): string =>
  isDeadLetterTopic(topic)
    ? topic
    : `${topic.slice(0, LIMITS.nameCharsMax - SUFFIX.length)}${SUFFIX}`
