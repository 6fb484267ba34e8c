import type { Argv } from 'yargs'
import { formatTime } from '../../api/index.ts'
import type { ProducerOptions } from '../../client/index.ts'
import type { Priority } from '../../kernel/priority.ts'
import { KiB, MiB } from '../../kernel/units.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { Outbox } from '../outbox.ts'
import { humanCount, type Output, plural } from '../output.ts'
import { type WhenOptions, whenOf } from '../when.ts'
import { type Common, type LineOptions, produceLines } from './produceLines.ts'
import { parseHeader, produceOptions } from './produceOptions.ts'

/** `goqueue produce`: one value, or each line of a file or of standard input. */
export const produceCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'produce <topic> [value]',
    'Publish a value, or each line of a file or of standard input',
    (command) => produceOptions(command),
    (options) => produce(cli, options),
  )

interface ProduceOptions extends LineOptions, WhenOptions {
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

function commonParts(options: ProduceOptions): Common {
  const { topic, key, priority, partition, header } = options
  const headers = header === undefined ? undefined : Object.fromEntries(header.map(parseHeader))
  return { topic, key, priority, partition, headers, ...whenOf(options) }
}

function showOne(out: Output, topic: string, outbox: Outbox): void {
  const { partitions, durability, deliverAt } = outbox
  const time = deliverAt === undefined ? undefined : formatTime(deliverAt)
  const later = time === undefined ? {} : { delayed: true, deliver_at: time }
  for (const [partition, { first: offset }] of partitions) {
    out.result({ topic, partition, offset, durability, ...later }, () => {
      const place = offset === undefined ? '' : ` offset ${offset}`
      const waits = time === undefined ? '' : `, delayed until ${time}`
      out.line(`${topic} partition ${partition}${place}${waits} (${durability})`)
    })
  }
}

function showAll(out: Output, topic: string, outbox: Outbox): void {
  const { acknowledged: messages, durability, delayed } = outbox
  const partitions = [...outbox.partitions].sort(([a], [b]) => a - b)
  const ofThem = delayed === 0 ? {} : { delayed }
  const result = {
    ...{ topic, messages, ...ofThem, durability },
    partitions: Object.fromEntries(partitions),
  }
  out.result(result, () => {
    const wait = delayed === 0 ? '' : `, ${humanCount(delayed)} of them to be delivered later`
    out.line(
      `${plural(messages, 'message')} published to ${topic}${wait} (${durability ?? 'nothing sent'})`,
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
