import type { Argv } from 'yargs'
import { EXIT } from '../../kernel/exitCodes.ts'
import { Failure } from '../../kernel/failure.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Priority } from '../../kernel/priority.ts'
import { BatchSender, type OutgoingMessage } from '../batchSender.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { lineGroups } from '../lines.ts'
import { lineReader } from '../messageOfLine.ts'
import { type Output, plural } from '../output.ts'
import { startProgress } from '../progress.ts'
import { parseHeader, produceOptions } from './produceOptions.ts'

/** `goqueue produce`: one value, or each line of a file or of standard input. */
export const produceCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'produce <topic> [value]',
    'Publish a value, or each line of a file or of standard input',
    (command) => produceOptions(command),
    (options) => produce(cli, options),
  )

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
