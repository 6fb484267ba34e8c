/**
 * Reading as a member of a group: messages are committed once they were written, and what others read is not seen.
 *
 * Without --follow a member is done when it has read what lay in its partitions when it got them. A rebalance may hand
 * it more meanwhile; one that ends leaves its partitions to the others, with what was committed.
 */
import type {
  Admin,
  ConsumedMessage,
  GroupConsumer,
  GroupConsumerOptions,
  MessageBatch,
  Position,
  TopicReply,
} from '../../client/index.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import type { MessageFormat } from '../messageFormat.ts'
import type { Output } from '../output.ts'
import { type Consumption, consumedFormat, recordOf, troubleNote } from './consumption.ts'

export interface GroupConsumption extends Consumption {
  readonly group: string
  readonly topics: readonly string[]
  readonly commitInterval?: number | undefined
  readonly sessionTimeout?: number | undefined
}

const SESSION_TIMEOUT_MS = 30 * SECOND_MS
const HEARTBEAT_MS_MAX = 3 * SECOND_MS
const HEARTBEATS_PER_SESSION = 4
/** How often a member without --follow looks whether it is done. */
const LOOK_MS = 50

/** Nobody reads what is written any more: a quiet end, at which that is not committed. */
class ReaderGone extends Error {}

export async function consumeInGroup(cli: Cli, options: GroupConsumption): Promise<void> {
  const out = outputFor(cli)
  const format = consumedFormat(out, options.output, true)
  const memberOptions = { ...memberOptionsOf(options), signal: cli.interrupted }
  await withConnection(cli, options.url, async ({ Admin, GroupConsumer }, connection) => {
    const admin = new Admin(connection)
    const ends = new Ends(admin)
    // A broker or topic that is not there is said at once; a consumer would wait for it.
    for (const topic of options.topics) await admin.describeTopic(topic)
    const consumer = new GroupConsumer(connection, {
      ...memberOptions,
      onWarning: troubleNote(out),
      onAssigned: (positions) => (options.follow ? undefined : ends.assigned(positions)),
    })
    const look = (): void => {
      const isMember = consumer.memberId !== undefined && !consumer.isRebalancing
      if (isMember && ends.areReached(consumer.positions)) void consumer.close()
    }
    const timer = options.follow ? undefined : setInterval(look, LOOK_MS)
    try {
      await print(consumer, out, format, options.count)
    } finally {
      clearInterval(timer)
      await consumer.close()
    }
  })
}

function memberOptionsOf(options: GroupConsumption): GroupConsumerOptions {
  const { group, topics, commitInterval, sessionTimeout = SESSION_TIMEOUT_MS } = options
  return {
    ...{ group, topics, clientId: 'goqueue-cli', offsetReset: resetOf(options.from) },
    sessionTimeoutMs: sessionTimeout,
    heartbeatMs: Math.min(HEARTBEAT_MS_MAX, sessionTimeout / HEARTBEATS_PER_SESSION),
    ...(commitInterval === undefined ? {} : { autoCommitMs: commitInterval }),
  }
}

/** Resolves when the consumer is closed, which it is after `count` messages, or nobody reads any more. */
async function print(
  consumer: GroupConsumer,
  out: Output,
  format: MessageFormat,
  count: number | undefined,
): Promise<void> {
  let left = count ?? Number.POSITIVE_INFINITY
  const write = async ({ messages }: MessageBatch): Promise<void> => {
    const lines = messages.map((message) => lineOf(format, message))
    if (!(await out.delivered(Buffer.concat(lines)))) throw new ReaderGone()
    left -= messages.length
    if (left <= 0) void consumer.close()
  }
  try {
    // What is not to be written must not be committed.
    await consumer.eachBatch(write, count === undefined ? {} : { maxMessages: 1 })
  } catch (error) {
    if (!(error instanceof ReaderGone)) throw error
  }
}

export function resetOf(from: string | undefined): 'earliest' | 'latest' {
  if (from === undefined || from === 'beginning' || from === 'earliest') return 'earliest'
  if (from === 'end' || from === 'latest') return 'latest'
  throw new UsageError(
    '--from with a group is beginning or end: where it has committed nothing yet',
    '`goqueue group reset` moves a group to an offset or a time',
  )
}

function lineOf(format: MessageFormat, message: ConsumedMessage): Buffer {
  const { topic, partition } = message
  return Buffer.from(format(recordOf(message), { topic, partition }))
}

/** Where each partition ended when this member got it. */
class Ends {
  readonly #admin: Admin
  readonly #latest = new Map<string, number>()

  constructor(admin: Admin) {
    this.#admin = admin
  }

  async assigned(positions: readonly Position[]): Promise<void> {
    const byTopic = new Map<string, TopicReply>()
    for (const { topic, partition } of positions) {
      const description = byTopic.get(topic) ?? (await this.#admin.describeTopic(topic))
      byTopic.set(topic, description)
      const latest = description.partition_offsets[String(partition)]?.latest ?? 0
      this.#latest.set(`${topic}-${partition}`, latest)
    }
  }

  areReached(positions: readonly Position[]): boolean {
    return positions.every(
      ({ topic, partition, offset }) => offset >= (this.#latest.get(`${topic}-${partition}`) ?? 0),
    )
  }
}
