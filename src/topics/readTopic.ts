/**
 * Reading all partitions of a topic at once.
 *
 * Each partition gets an equal share of what is left of the limits, so that a full one cannot keep the others
 * from being read; the first in turn moves on with the positions, so that small limits are fair too.
 */
import { BrokerError } from '../kernel/errors.ts'
import { type Offset, offset } from '../kernel/units.ts'
import type { ReadLimit } from '../log/index.ts'
import type { Topic } from './topic.ts'
import type { ReadFrom, TopicRead, TopicReadPart } from './types.ts'
import type { Wait } from './waiters.ts'

export type TopicReadFrom = ReadFrom | { readonly positions: readonly number[] }

/**
 * With a wait and nothing there, resolves with the first append to any partition, or with no parts when the time
 * is up. Rejects as a partition's read does; where one of them does not serve, so that nothing is left out in silence.
 */
export async function readTopic(
  topic: Topic,
  from: TopicReadFrom,
  limit: ReadLimit,
  wait: Wait,
): Promise<TopicRead> {
  const positions = await startingPositions(topic, from)
  const { version } = topic
  const parts = await readParts(topic, positions, limit)
  if (parts.length > 0 || wait.waitMs <= 0) return { parts, positions }
  const grown = await topic.waitBeyond(version, wait)
  return { parts: grown ? await readParts(topic, positions, limit) : [], positions }
}

async function startingPositions(topic: Topic, from: TopicReadFrom): Promise<Offset[]> {
  if (!('positions' in from)) {
    return await Promise.all(topic.partitions.map((partition) => partition.resolve(from)))
  }
  const { positions } = from
  if (positions.length === topic.partitions.length) return positions.map(offset)
  throw new BrokerError('INVALID_REQUEST', `${positions.length} positions, not one per partition`, {
    fields: { positions: `must be ${topic.partitions.length} offsets` },
  })
}

/** Reads from `positions` and moves them on. */
async function readParts(
  topic: Topic,
  positions: Offset[],
  limit: ReadLimit,
): Promise<TopicReadPart[]> {
  const parts: TopicReadPart[] = []
  const count = positions.length
  const first = positions.reduce((sum, position) => sum + position, 0) % count
  let { maxRecords, maxBytes } = limit
  for (let i = 0; i < count && maxRecords > 0 && maxBytes > 0; i += 1) {
    const partition = (first + i) % count
    const result = await topic.partition(partition).read(positions[partition] as Offset, {
      maxRecords: Math.ceil(maxRecords / (count - i)),
      maxBytes: Math.ceil(maxBytes / (count - i)),
    })
    if (result.count === 0) continue
    positions[partition] = result.nextOffset
    maxRecords -= result.count
    maxBytes -= result.bytes.length
    parts.push({ partition, result })
  }
  return parts
}
