/** Reading a topic by offset: each reader has all of it, and nothing is remembered. */
import type { Records, TopicReply } from '../../client/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import type { MessageFormat } from '../messageFormat.ts'
import type { Output } from '../output.ts'
import { parseStartAt, type StartAt } from '../startAt.ts'
import {
  follow,
  type PartitionRange,
  type PlacedRecord,
  readMerged,
  type TopicReaderOptions,
} from '../topicReader.ts'
import { type Consumption, consumedFormat, troubleNote } from './consumption.ts'

export interface TopicConsumption extends Consumption {
  readonly topic: string
  readonly partition?: number | undefined
}

export async function consumeTopic(cli: Cli, options: TopicConsumption): Promise<void> {
  const out = outputFor(cli)
  const format = consumedFormat(out, options.output)
  const start = parseStartAt(options.from ?? 'beginning', Date.now())
  const { topic } = options
  await withConnection(cli, options.url, async ({ Admin, Records }, connection) => {
    const records = new Records(connection)
    const description = await new Admin(connection).describeTopic(topic)
    const partitions = partitionsOf(description, options.partition)
    const ranges = await Promise.all(
      partitions.map(async (partition) => {
        const { earliest, latest } = offsetsOf(description, partition)
        const from = await startOffset({ records, topic, partition, earliest, latest }, start)
        return { partition, from, until: latest }
      }),
    )
    const reader = { records, topic, signal: cli.interrupted, onTrouble: troubleNote(out) }
    await print(reader, ranges, new Printer(out, format, options), options.follow)
  })
}

async function print(
  reader: TopicReaderOptions,
  ranges: readonly PartitionRange[],
  printer: Printer,
  follows: boolean,
): Promise<void> {
  for await (const group of readMerged(reader, ranges)) {
    if ((await printer.show(group)) === 'enough') return
  }
  if (follows) await follow(reader, ranges, (arrived) => printer.show(arrived))
}

/** Writes messages until the count is reached or nobody reads any more. */
class Printer {
  readonly #out: Output
  readonly #format: MessageFormat
  readonly #topic: string
  #left: number

  constructor(out: Output, format: MessageFormat, { topic, count }: TopicConsumption) {
    this.#out = out
    this.#format = format
    this.#topic = topic
    this.#left = count ?? Number.POSITIVE_INFINITY
  }

  async show(records: readonly PlacedRecord[]): Promise<'more' | 'enough'> {
    const shown = records.slice(0, this.#left)
    const chunks = shown.map(({ partition, record }) =>
      Buffer.from(this.#format(record, { topic: this.#topic, partition })),
    )
    await this.#out.bytes(Buffer.concat(chunks))
    this.#left -= shown.length
    return this.#left > 0 && !this.#out.readerGone ? 'more' : 'enough'
  }
}

function partitionsOf(
  { name, partitions }: TopicReply,
  wanted: number | undefined,
): readonly number[] {
  if (wanted === undefined) return Array.from({ length: partitions }, (_, partition) => partition)
  if (wanted < partitions) return [wanted]
  const message = `${name} has the partitions 0 to ${partitions - 1}, not ${wanted}`
  throw new BrokerError('PARTITION_NOT_FOUND', message)
}

const offsetsOf = ({ partition_offsets: offsets }: TopicReply, partition: number) =>
  offsets[String(partition)] ?? { earliest: 0, latest: 0 }

interface StartQuestion {
  readonly records: Records
  readonly topic: string
  readonly partition: number
  readonly earliest: number
  readonly latest: number
}

/** An offset that was asked for is taken as it is: one that is gone is an error, not another offset. */
async function startOffset(question: StartQuestion, start: StartAt): Promise<number> {
  const { records, topic, partition, earliest, latest } = question
  if ('offset' in start) {
    const { offset } = start
    if (offset >= earliest && offset <= latest) return offset
    const message = `partition ${partition} has the offsets ${earliest} to ${latest - 1}, not ${offset}`
    throw new BrokerError('OFFSET_OUT_OF_RANGE', message)
  }
  if ('time' in start) return await records.offsetAtTime(topic, partition, start.time)
  return start.at === 'beginning' ? earliest : latest
}
