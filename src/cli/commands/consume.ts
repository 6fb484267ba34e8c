import type { Argv } from 'yargs'
import type { Records, TopicReply } from '../../client/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { type Cli, outputFor, untilInterrupted, withConnection } from '../context.ts'
import { type MessageFormat, messageFormat } from '../messageFormat.ts'
import { brokerOptions, integer, text } from '../options.ts'
import type { Output } from '../output.ts'
import { parseStartAt, type StartAt } from '../startAt.ts'
import {
  follow,
  type PartitionRange,
  type PlacedRecord,
  readMerged,
  type TopicReaderOptions,
} from '../topicReader.ts'

/** `goqueue consume`: reads a topic by offset, without a group. */
export const consumeCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'consume <topic>',
    'Read messages: all there are, or with -f those to come too',
    (command) => consumeOptions(brokerOptions(command)),
    (options) => untilInterrupted(cli, () => consume(cli, options)),
  )

const consumeOptions = <T>(yargs: Argv<T>) =>
  yargs
    .positional('topic', { type: 'string', demandOption: true, describe: 'The topic' })
    .option('partition', {
      alias: 'p',
      describe: 'Only this partition [all of them]',
      coerce: integer('partition', { min: 0, max: LIMITS.topicPartitionsMax - 1 }),
      requiresArg: true,
    })
    .option('from', {
      describe: 'beginning, end, an offset, a time (RFC 3339) or a duration back from now',
      coerce: text('from'),
      default: 'beginning',
      requiresArg: true,
    })
    .option('follow', {
      alias: 'f',
      boolean: true,
      default: false,
      describe: 'Go on with what comes, until Ctrl-C',
    })
    .option('count', {
      alias: 'n',
      describe: 'Stop after so many messages',
      coerce: integer('count', { min: 1, max: Number.MAX_SAFE_INTEGER }),
      requiresArg: true,
    })
    .option('output', {
      alias: 'o',
      describe: "text, json, value or a template '{key}={value}' [text on a terminal, else json]",
      coerce: text('output'),
      requiresArg: true,
    })
    .example('$0 consume orders', 'all there is')
    .example('$0 consume orders --from end -f', 'what comes from now on')
    .example('$0 consume orders --from 10m -o value', 'the values of the last ten minutes')
    .example("$0 consume orders -p 0 --from 42 -n 1 -o '{key} {value}'", 'one message')

interface ConsumeOptions {
  readonly topic: string
  readonly url?: string | undefined
  readonly partition?: number | undefined
  readonly from: string | undefined
  readonly follow: boolean
  readonly count?: number | undefined
  readonly output?: string | undefined
}

async function consume(cli: Cli, options: ConsumeOptions): Promise<void> {
  const out = outputFor(cli)
  const format = messageFormat(options.output ?? (out.isTerminal ? 'text' : 'json'), out.colours)
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

const NOTES_MS = 5000

/** Says once in a while that the broker is away, however many partitions notice. */
function troubleNote(out: Output): (error: BrokerError) => void {
  let saidMs = Number.NEGATIVE_INFINITY
  return ({ message }) => {
    if (performance.now() - saidMs < NOTES_MS) return
    saidMs = performance.now()
    out.note(`${message}; trying again`)
  }
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

  constructor(out: Output, format: MessageFormat, { topic, count }: ConsumeOptions) {
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
