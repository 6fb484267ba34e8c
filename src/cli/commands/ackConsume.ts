/**
 * Reading as a member of a group in mode ack: each message is acknowledged once it was written. With --hold nothing is:
 * what is shown stays with whoever has its receipt.
 */
import type { WorkMessage } from '../../client/index.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import type { MessageFormat } from '../messageFormat.ts'
import { type GroupConsumption, resetOf } from './consumeGroup.ts'
import { consumedFormat, recordOf, troubleNote } from './consumption.ts'

interface AckConsumption extends GroupConsumption {
  readonly hold?: number | undefined
}

/** Lines on their way to the reader at once. */
const CONCURRENCY = 100
const SESSION_TIMEOUT_MS = 30 * SECOND_MS
const HOLD_WAIT_MS = 60 * SECOND_MS

export async function consumeByAck(cli: Cli, options: AckConsumption): Promise<void> {
  if (options.commitInterval !== undefined) {
    throw new UsageError(
      '--commit-interval is for --mode offset: here each message is acknowledged',
    )
  }
  await withConnection(cli, options.url, async (client, connection) => {
    const admin = new client.Admin(connection)
    // A broker or topic that is not there is said at once; a worker would wait for it.
    for (const topic of options.topics) await admin.describeTopic(topic)
    if (options.hold === undefined) await acknowledge(cli, options, client, connection)
    else await hold(cli, { ...options, hold: options.hold }, client, connection)
  })
}

type Client = typeof import('../../client/index.ts')
type Connection = InstanceType<Client['Connection']>

async function acknowledge(
  cli: Cli,
  options: AckConsumption,
  { Worker }: Client,
  connection: Connection,
): Promise<void> {
  const out = outputFor(cli)
  const format = consumedFormat(out, options.output, true)
  const { group, topics, count = Number.POSITIVE_INFINITY, follow } = options
  let [begun, written] = [0, 0]
  const handler = async (message: WorkMessage, { signal }: { signal: AbortSignal }) => {
    begun += 1
    const isWritten = begun <= count && (await out.delivered(lineOf(format, message)))
    if (isWritten) written += 1
    if (written >= count || out.readerGone) void worker.close({ timeoutMs: 0 })
    // What was not written is given back when the worker closes.
    if (!isWritten) await aborted(signal)
  }
  const worker = new Worker(connection, {
    ...{ group, topics, handler, clientId: 'goqueue-cli', untilEmpty: !follow },
    ...{ offsetReset: resetOf(options.from), onWarning: troubleNote(out) },
    ...{
      concurrency: Math.min(CONCURRENCY, count),
      prefetch: count <= CONCURRENCY ? 0 : CONCURRENCY,
    },
    sessionTimeoutMs: options.sessionTimeout ?? SESSION_TIMEOUT_MS,
    signal: cli.interrupted,
  })
  await worker.run()
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })

async function hold(
  cli: Cli,
  options: AckConsumption & { readonly hold: number },
  { borrow }: Client,
  connection: Connection,
): Promise<void> {
  const out = outputFor(cli)
  const format = consumedFormat(out, options.output, true)
  const { group, topics, count = 1, hold: holdMs, follow } = options
  const waitMs = follow ? HOLD_WAIT_MS : 0
  const wanted = { group, topics, holdMs, waitMs, signal: cli.interrupted }
  let shown = 0
  do {
    const messages = await borrow(connection, { ...wanted, count: count - shown })
    for (const message of messages) await out.bytes(lineOf(format, message))
    shown += messages.length
  } while (follow && shown < count)
}

function lineOf(format: MessageFormat, message: WorkMessage): Buffer {
  const { topic, partition, receipt, deliveryCount } = message
  return Buffer.from(format(recordOf(message), { topic, partition, receipt, deliveryCount }))
}
