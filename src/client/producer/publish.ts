/** One attempt to publish one batch. */
import { BrokerError } from '../../kernel/errors.ts'
import { WIRE_BATCH_CONTENT_TYPE } from '../../record/index.ts'
import { type Asker, pathOf } from '../connection.ts'
import type { ClientAcks } from '../records.ts'
import type { ClientDurability } from './message.ts'
import type { PartitionQueue, PublishAnswer } from './partitionQueue.ts'

interface PublishJson {
  readonly results?: readonly {
    readonly partition: number
    readonly offset?: number
    readonly count?: number
    readonly timestamp?: string
    readonly duplicate?: boolean
    readonly producer_reset?: boolean
  }[]
  readonly durability?: ClientDurability
}

export interface Target {
  readonly topic: string
  readonly partition: number
  /** Encoded path and query. */
  readonly path: string
  readonly lane: number
  readonly delayed: boolean
}

/** Where what one queue sends goes to. */
export function targetOf({ topic, partition, delayed }: PartitionQueue, acks: ClientAcks): Target {
  const path = `${pathOf('topics', topic, 'messages')}?partition=${partition}&acks=${acks}`
  const lane = partition
  return { topic, partition, path: delayed ? `${path}&delayed=true` : path, lane, delayed }
}

export async function publish(
  asker: Asker,
  { topic, partition, path, lane, delayed }: Target,
  wire: Buffer,
  timeoutMs: number,
): Promise<PublishAnswer> {
  const { body } = await asker.ask({
    method: 'POST',
    path,
    raw: { bytes: wire, contentType: WIRE_BATCH_CONTENT_TYPE },
    lane,
    timeoutMs,
  })
  const { results: [run] = [], durability = 'none' } = parse(body)
  return {
    topic,
    partition,
    // Not told by a broker that was asked for no acknowledgement.
    offset: run?.offset ?? -1,
    timestamp: run?.timestamp === undefined ? 0 : Date.parse(run.timestamp),
    durability,
    delayed,
    isReset: run?.producer_reset === true,
  }
}

function parse(body: Buffer): PublishJson {
  try {
    return JSON.parse(body.toString()) as PublishJson
  } catch (cause) {
    throw new BrokerError('OUTCOME_UNKNOWN', 'the answer to a publish is not JSON', { cause })
  }
}
