import type { Argv } from 'yargs'
import { EXIT } from '../../kernel/exitCodes.ts'
import { Failure } from '../../kernel/failure.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { PRIORITIES, type Priority, parsePriority } from '../../kernel/priority.ts'
import { BatchSender, type OutgoingMessage } from '../batchSender.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { lineGroups } from '../lines.ts'
import { lineReader } from '../messageOfLine.ts'
import { brokerOptions, formatOption, integer, oneOf, text } from '../options.ts'
import { type Output, plural } from '../output.ts'
import { startProgress } from '../progress.ts'

/** `goqueue produce`: one value, or each line of a file or of standard input. */
export const produceCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'produce <topic> [value]',
    'Publish a value, or each line of a file or of standard input',
    (command) => inputOptions(messageOptions(formatOption(brokerOptions(positionals(command))))),
    (options) => produce(cli, options),
  )

const positionals = <T>(yargs: Argv<T>) =>
  yargs
    .positional('topic', { type: 'string', demandOption: true, describe: 'The topic' })
    .positional('value', {
      type: 'string',
      describe: 'The message; without it lines are read (after -- it may begin with a dash)',
    })

const messageOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('key', {
      alias: 'k',
      describe: 'Key: messages with one key stay in order, in one partition',
      coerce: text('key'),
      requiresArg: true,
    })
    .option('partition', {
      alias: 'p',
      describe: 'Partition, whatever the key says',
      coerce: integer('partition', { min: 0, max: LIMITS.topicPartitionsMax - 1 }),
      requiresArg: true,
    })
    .option('priority', {
      describe: `One of ${PRIORITIES.join(', ')}, or 0 to 4`,
      coerce: priorityOption,
      requiresArg: true,
    })
    .option('header', {
      alias: 'H',
      array: true,
      string: true,
      describe: 'A header, name=value; may be given again',
    })
    .option('tombstone', {
      boolean: true,
      default: false,
      describe: 'Publish a key without a value',
    })
    .option('acks', {
      describe: 'What to wait for: none, leader (in memory) or all (on disk) [all]',
      coerce: (value: unknown) => oneOf('acks', ['none', 'leader', 'all'], value),
      requiresArg: true,
    })

const inputOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('file', {
      alias: 'f',
      describe: 'Read lines from this file instead of standard input',
      coerce: text('file'),
      requiresArg: true,
    })
    .option('key-field', {
      describe: 'Lines are JSON objects, and this field is the key; the whole line is the value',
      coerce: text('key-field'),
      requiresArg: true,
    })
    .option('value-field', {
      describe: 'Only this field of a line is the value',
      coerce: text('value-field'),
      requiresArg: true,
    })
    .option('priority-field', {
      describe: 'This field of a line is the priority',
      coerce: text('priority-field'),
      requiresArg: true,
    })
    .conflicts('key', 'key-field')
    .conflicts('priority', 'priority-field')
    .example('$0 produce orders \'{"id":1}\' -k customer-7', 'one message')
    .example('$0 produce quakes --key-field net -f quakes.ndjson', 'a file, keyed by a field')
    .example('tail -f app.log | $0 produce logs', 'lines as they come')

interface ProduceOptions {
  readonly topic: string
  readonly value?: string | undefined
  readonly url?: string | undefined
  readonly output?: 'table' | 'json' | undefined
  readonly key?: string | undefined
  readonly partition?: number | undefined
  readonly priority?: Priority | undefined
  readonly header?: readonly string[] | undefined
  readonly tombstone: boolean
  readonly acks?: 'none' | 'leader' | 'all' | undefined
  readonly file?: string | undefined
  readonly keyField?: string | undefined
  readonly valueField?: string | undefined
  readonly priorityField?: string | undefined
  /** The command's own name, then what stood behind `--`. */
  readonly _: readonly (string | number)[]
}

async function produce(cli: Cli, options: ProduceOptions): Promise<void> {
  const out = outputFor(cli, options.output)
  const behindDashes = options._.at(1)
  const value = options.value ?? (behindDashes === undefined ? undefined : String(behindDashes))
  checkTogether(options, value)
  const common = commonParts(options)
  await withConnection(cli, options.url, async ({ Records, BatchBuilder }, connection) => {
    const sender = new BatchSender({
      records: new Records(connection),
      makeBuilder: () => new BatchBuilder(),
      topic: options.topic,
      partition: options.partition,
      acks: options.acks,
    })
    if (options.tombstone || value !== undefined) {
      await sender.add({ ...common, value: value ?? null })
      await sender.flush()
      showOne(out, options.topic, sender)
    } else {
      await produceLines(cli, options, { sender, common })
      showAll(out, options.topic, sender)
    }
  })
}

function checkTogether(options: ProduceOptions, value: string | undefined): void {
  const { tombstone, key, file, keyField, valueField, priorityField } = options
  if (tombstone && (value !== undefined || key === undefined)) {
    throw new UsageError('--tombstone needs a --key and takes no value')
  }
  const forLines = file ?? keyField ?? valueField ?? priorityField
  if ((value !== undefined || tombstone) && forLines !== undefined) {
    throw new UsageError('a value is given and lines are asked for: it is one or the other')
  }
}

type Common = Pick<OutgoingMessage, 'key' | 'priority' | 'extension'>

function commonParts({ key, priority, header }: ProduceOptions): Common {
  const headers = header === undefined ? undefined : Object.fromEntries(header.map(parseHeader))
  return { key, priority, ...(headers === undefined ? {} : { extension: { headers } }) }
}

function parseHeader(written: string): [string, string] {
  const [, name, value] = /^([^=:]+)[=:]\s*(.*)$/s.exec(written) ?? []
  if (name !== undefined && value !== undefined) return [name.trim(), value]
  throw new UsageError(`--header must be name=value, not "${written}"`)
}

function priorityOption(value: unknown): Priority | undefined {
  const given = text('priority')(value)
  const priority = given === undefined ? undefined : parsePriority(given)
  if (given === undefined || priority !== undefined) return priority
  throw new UsageError(`--priority must be one of ${PRIORITIES.join(', ')}, not "${given}"`)
}

interface LineTarget {
  readonly sender: BatchSender
  readonly common: Common
}

async function produceLines(
  cli: Cli,
  { file, keyField, valueField, priorityField }: ProduceOptions,
  { sender, common }: LineTarget,
): Promise<void> {
  const source = file === undefined ? standardInput(cli) : await openFile(file)
  const read = lineReader({ key: keyField, value: valueField, priority: priorityField })
  const progress = startProgress(cli.io, source.sizeBytes)
  let doneBytes = 0
  try {
    for await (const lines of lineGroups(source.chunks, LIMITS.recordBytesMax)) {
      for (const line of lines) {
        // A line that is no message must not take those before it with it.
        const message = await readOrFlush(() => read(line), sender)
        await sender.add({ ...common, ...message })
        doneBytes += line.bytes.length + 1
      }
      await sender.flush()
      progress.update(doneBytes, sender.messages)
    }
  } catch (error) {
    progress.stop()
    cli.io.stderr.write(`${plural(sender.messages, 'message')} published before this:\n`)
    if (cli.interrupted.aborted) throw new Failure(EXIT.INTERRUPTED, 'interrupted')
    throw error instanceof RangeError ? new Failure(EXIT.DATA, error.message) : error
  }
  progress.stop()
}

async function readOrFlush<T>(read: () => T, sender: BatchSender): Promise<T> {
  try {
    return read()
  } catch (error) {
    await sender.flush()
    throw error
  }
}

interface LineSource {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly sizeBytes: number | undefined
}

function standardInput({ io, interrupted }: Cli): LineSource {
  if (io.stdin.isTTY) io.stderr.write('each line becomes a message; Ctrl-D ends the input\n')
  interrupted.addEventListener('abort', () => io.stdin.destroy(), { once: true })
  return { chunks: io.stdin, sizeBytes: undefined }
}

async function openFile(path: string): Promise<LineSource> {
  const { readFileChunks } = await import('../../app/index.ts')
  return await readFileChunks(path)
}

function showOne(out: Output, topic: string, { partitions, durability }: BatchSender): void {
  for (const [partition, { first: offset }] of partitions) {
    out.result({ topic, partition, offset, durability }, () => {
      out.line(`${topic} partition ${partition} offset ${offset} (${durability})`)
    })
  }
}

function showAll(out: Output, topic: string, sender: BatchSender): void {
  const { messages, durability } = sender
  const partitions = [...sender.partitions].sort(([a], [b]) => a - b)
  const result = { topic, messages, durability, partitions: Object.fromEntries(partitions) }
  out.result(result, () => {
    out.line(
      `${plural(messages, 'message')} published to ${topic} (${durability ?? 'nothing sent'})`,
    )
    const rows = partitions.map(([partition, { first, last, count }]) => [
      partition,
      first,
      last,
      count,
    ])
    if (rows.length > 0) out.table(['partition', 'first', 'last', 'count'], rows)
  })
}
