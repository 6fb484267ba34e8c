import type { Argv } from 'yargs'
import type { Message, Producer, ProducerOptions } from '../../client/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { EXIT } from '../../kernel/exitCodes.ts'
import { Failure } from '../../kernel/failure.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Priority } from '../../kernel/priority.ts'
import { KiB, MiB, SECOND_MS } from '../../kernel/units.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { type Line, lineGroups } from '../lines.ts'
import { type LineMessage, lineReader } from '../messageOfLine.ts'
import { Outbox } from '../outbox.ts'
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
  readonly timeout?: number | undefined
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
  const isOne = options.tombstone || value !== undefined
  await withConnection(cli, options.url, async ({ Admin, Producer }, connection) => {
    // A broker or topic that is not there is said at once; the producer would wait for it.
    const { config } = await new Admin(connection).describeTopic(options.topic)
    const producer = new Producer(connection, producerOptions(out, options, isOne))
    try {
      if (isOne) {
        const outbox = new Outbox(producer)
        outbox.add({ ...common, value: value ?? null }, 0)
        await outbox.settled()
        showOne(out, options.topic, outbox)
      } else {
        const target = { producer, common, recordBytesMax: config.max_record_bytes }
        showAll(out, options.topic, await produceLines(cli, options, target))
      }
    } finally {
      await producer.close()
    }
  })
}

/** Lines come in numbers: their batches are larger than the producer's own defaults, which are made for less delay. */
const LINE_BATCHES = { batchMessages: 1000, batchBytes: 256 * KiB, requestBytes: MiB } as const

function producerOptions(
  out: Output,
  { acks, timeout }: ProduceOptions,
  isOne: boolean,
): ProducerOptions {
  return {
    ...(isOne ? { lingerMs: 0 } : LINE_BATCHES),
    ...(acks === undefined ? {} : { acks }),
    ...(timeout === undefined ? {} : { deliveryTimeoutMs: timeout, maxBlockMs: timeout }),
    onWarning: ({ message }) => out.note(message),
  }
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

type Common = Pick<Message, 'topic' | 'key' | 'priority' | 'partition' | 'headers'>

function commonParts({ topic, key, priority, partition, header }: ProduceOptions): Common {
  const headers = header === undefined ? undefined : Object.fromEntries(header.map(parseHeader))
  return { topic, key, priority, partition, headers }
}

/** How long what is under way is waited for after Ctrl-C. */
const INTERRUPTED_MS = 5 * SECOND_MS

interface LineTarget {
  readonly producer: Producer
  readonly common: Common
  /** Of the topic. */
  readonly recordBytesMax: number
}

/** Resolves when every line was acknowledged; whatever ends it before that, says how many were. */
async function produceLines(
  cli: Cli,
  { file, keyField, valueField, priorityField }: ProduceOptions,
  { producer, common, recordBytesMax }: LineTarget,
): Promise<Outbox> {
  const source = file === undefined ? standardInput(cli) : await openFile(file)
  const read = lineReader({ key: keyField, value: valueField, priority: priorityField })
  const progress = startProgress(cli.io, source.sizeBytes)
  const show = (): void => progress.update(outbox.acknowledgedBytes, outbox.acknowledged)
  const outbox: Outbox = new Outbox(producer, { onQuiet: show, onFailed: () => source.stop() })
  // A broker that is away is not waited for any longer by who was told to stop.
  const giveUp = (): void => void producer.close({ timeoutMs: INTERRUPTED_MS })
  cli.interrupted.addEventListener('abort', giveUp, { once: true })
  try {
    await sendLines(cli, source, (line) => {
      const message = messageOf(common, read(line))
      if (line.bytes.length > recordBytesMax) checkSize(message, line, recordBytesMax)
      const bytes = line.bytes.length + 1
      if (outbox.hasRoom(bytes)) return outbox.add(message, bytes, line.number)
      show()
      return outbox.room(bytes).then(() => outbox.add(message, bytes, line.number))
    })
    await outbox.settled()
  } catch (error) {
    // What was sent is waited for: only then it is known what became of it. A failure of it says more.
    const failure = await outbox.settled().then(
      () => error,
      (reason: unknown) => reason,
    )
    progress.stop()
    cli.io.stderr.write(`${outbox.account}\n`)
    if (cli.interrupted.aborted) throw new Failure(EXIT.INTERRUPTED, 'interrupted')
    throw failure instanceof RangeError ? new Failure(EXIT.DATA, failure.message) : failure
  }
  progress.stop()
  return outbox
}

/** What the line says wins. Field by field: with `...` a line cost nearly twice as much. */
const messageOf = (common: Common, line: LineMessage): Message => ({
  topic: common.topic,
  key: line.key ?? common.key,
  value: line.value,
  partition: common.partition,
  priority: line.priority ?? common.priority,
  headers: common.headers,
})

/** The broker would refuse the whole batch for it; what stands before it is not to suffer. */
function checkSize({ key = '', value }: Message, { number }: Line, recordBytesMax: number): void {
  const bytes = Buffer.byteLength(key) + Buffer.byteLength(value ?? '')
  if (bytes <= recordBytesMax) return
  const message = `line ${number}: ${bytes} bytes, a record of the topic has at most ${recordBytesMax}`
  throw new BrokerError('RECORD_TOO_LARGE', message)
}

async function sendLines(
  { interrupted }: Cli,
  { chunks }: LineSource,
  send: (line: Line) => Promise<void> | void,
): Promise<void> {
  for await (const lines of lineGroups(chunks, LIMITS.recordBytesMax)) {
    for (const line of lines) {
      if (interrupted.aborted) throw new Failure(EXIT.INTERRUPTED, 'interrupted')
      const waiting = send(line)
      if (waiting !== undefined) await waiting
    }
  }
}

interface LineSource {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly sizeBytes: number | undefined
  /** Ends the wait for more of it. */
  stop(): void
}

function standardInput({ io, interrupted }: Cli): LineSource {
  if (io.stdin.isTTY) io.stderr.write('each line becomes a message; Ctrl-D ends the input\n')
  const stop = (): void => void io.stdin.destroy()
  interrupted.addEventListener('abort', stop, { once: true })
  return { chunks: io.stdin, sizeBytes: undefined, stop }
}

async function openFile(path: string): Promise<LineSource> {
  const { readFileChunks } = await import('../../app/index.ts')
  return { ...(await readFileChunks(path)), stop: () => undefined }
}

function showOne(out: Output, topic: string, { partitions, durability }: Outbox): void {
  for (const [partition, { first: offset }] of partitions) {
    out.result({ topic, partition, offset, durability }, () => {
      const place = offset === undefined ? '' : ` offset ${offset}`
      out.line(`${topic} partition ${partition}${place} (${durability})`)
    })
  }
}

function showAll(out: Output, topic: string, outbox: Outbox): void {
  const { acknowledged: messages, durability } = outbox
  const partitions = [...outbox.partitions].sort(([a], [b]) => a - b)
  const result = { topic, messages, durability, partitions: Object.fromEntries(partitions) }
  out.result(result, () => {
    out.line(
      `${plural(messages, 'message')} published to ${topic} (${durability ?? 'nothing sent'})`,
    )
    const rows = partitions.map(([partition, { first = '-', last = '-', count }]) => [
      partition,
      first,
      last,
      count,
    ])
    if (rows.length > 0) out.table(['partition', 'first', 'last', 'count'], rows)
  })
}
