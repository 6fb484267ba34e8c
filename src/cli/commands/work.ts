/** `goqueue work`: runs a command for each message, and its exit code says what becomes of it. */
import type { Argv } from 'yargs'
import type { WorkContext, Worker, WorkMessage } from '../../client/index.ts'
import { Failure } from '../../kernel/failure.ts'
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../kernel/units.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { brokerOptions, duration, integer, oneOf, text } from '../options.ts'
import { type Output, plural } from '../output.ts'
import { troubleNote } from './consumption.ts'
import { type ProcessEnd, runProcess } from './workProcess.ts'

/** Of sysexits(3), as mail systems use them: EX_DATAERR. Any other but 0 (also 75, EX_TEMPFAIL) is another try. */
const REJECT_CODE = 65
const CONCURRENCY_MAX = 1000

export const workCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'work [command..]',
    'Run a command for each message of a group, with the value on its standard input',
    (command) => workOptions(brokerOptions(command)),
    async ({ command = [], ...options }) => {
      // What is behind -- is no positional to the parser.
      const given = [...command, ...options._.slice(1).map(String)]
      if (given.length === 0) {
        throw new UsageError('say what to run, behind --', 'see goqueue work --help')
      }
      await work(cli, { ...options, command: given })
    },
  )

const workOptions = <T>(yargs: Argv<T>) =>
  timeOptions(
    yargs
      .positional('command', {
        type: 'string',
        array: true,
        describe: 'Behind --, with its arguments',
      })
      .option('group', {
        alias: 'g',
        describe: 'The group whose messages these are',
        coerce: text('group'),
        demandOption: true,
        requiresArg: true,
      })
      .option('topic', {
        alias: 't',
        describe: 'Its topic; may be given again [those that the group has]',
        type: 'string',
        array: true,
        requiresArg: true,
      })
      .option('concurrency', {
        alias: 'c',
        describe: 'Commands at once [1]',
        coerce: integer('concurrency', { min: 1, max: CONCURRENCY_MAX }),
        requiresArg: true,
      })
      .option('shared', {
        boolean: true,
        default: false,
        describe: 'Messages of every partition, for more workers than partitions',
      })
      .option('until-empty', {
        boolean: true,
        default: false,
        describe: 'End when nothing is left to hand out [go on until Ctrl-C]',
      })
      .option('output', {
        alias: 'o',
        describe: 'json: a line for each message; its own output then goes to standard error',
        coerce: (value: unknown) => oneOf('output', ['text', 'json'], value),
        default: 'text',
        requiresArg: true,
      }),
  )
    .example('$0 work -g mail -t signups -- ./send-welcome', 'exit code 0: done')
    .example("$0 work -g mail -t signups -c 8 -- sh -c 'curl -fsS -d @- $URL'", '')
    .epilogue(
      'The command finds GOQUEUE_TOPIC, _PARTITION, _OFFSET, _KEY, _TIMESTAMP, _PRIORITY, _HEADERS, ' +
        '_DELIVERY_COUNT and _RECEIPT in its environment. What its exit code means:\n' +
        '  0       done\n' +
        `  ${REJECT_CODE}      hopeless: into the dead letters at once\n` +
        '  others  failed (75 says so best): handed out again after the backoff, until the last try\n' +
        '  signal  as others',
    )

const timeOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('timeout', {
      describe: 'A command may take so long; then it is ended, and has failed [15m]',
      coerce: duration('timeout', { minMs: 1, maxMs: 12 * HOUR_MS }),
      requiresArg: true,
    })
    .option('retry-delay', {
      describe: "Until what failed is handed out again [the group's backoff]",
      coerce: duration('retry-delay', { minMs: 0, maxMs: 7 * DAY_MS }),
      requiresArg: true,
    })
    .option('grace', {
      describe: 'After Ctrl-C commands may take so long to finish [30s]',
      coerce: duration('grace', { minMs: 0, maxMs: DAY_MS }),
      requiresArg: true,
    })

interface WorkOptions {
  readonly command: readonly string[]
  readonly url: string | undefined
  readonly group: string | undefined
  readonly topic?: readonly string[] | undefined
  readonly concurrency?: number | undefined
  readonly shared: boolean
  readonly untilEmpty: boolean
  readonly output: 'text' | 'json'
  readonly timeout?: number | undefined
  readonly retryDelay?: number | undefined
  readonly grace?: number | undefined
}

const GRACE_MS = 30 * SECOND_MS

async function work(cli: Cli, options: WorkOptions): Promise<void> {
  const { group = '', grace: timeoutMs = GRACE_MS } = options
  const out = outputFor(cli)
  await withConnection(cli, options.url, async (client, connection) => {
    const admin = new client.Admin(connection)
    const topics = options.topic ?? Object.keys((await admin.describeGroup(group)).lag)
    if (topics.length === 0) throw new UsageError('the group has no topics yet: name a --topic')
    for (const topic of topics) await admin.describeTopic(topic)
    let failure: Failure | undefined
    const end = (): void => void worker.close({ timeoutMs: failure === undefined ? timeoutMs : 0 })
    const run = handlerOf(cli, options, out, client)
    const worker: Worker = new client.Worker(connection, {
      ...{ group, topics, clientId: 'goqueue-work', untilEmpty: options.untilEmpty },
      ...{ concurrency: options.concurrency ?? 1, prefetch: 0 },
      ...(options.timeout === undefined ? {} : { maxRuntimeMs: options.timeout }),
      ...(options.shared ? { assignment: 'shared' as const } : {}),
      onWarning: troubleNote(out),
      handler: async (message, context) => {
        try {
          await run(message, context)
        } catch (error) {
          if (!(error instanceof Failure)) throw error
          failure ??= error
          end()
          // Given back when the worker closes: it is not to blame.
          await new Promise(() => undefined)
        }
      },
    })
    const { interrupted } = cli
    interrupted.addEventListener('abort', end)
    await worker.run()
    interrupted.removeEventListener('abort', end)
    if (failure !== undefined) throw failure
    const { acked, nacked, rejected, dead } = worker.stats
    out.note(
      `${plural(acked, 'message')} done, ${nacked} to be tried again, ${rejected + dead} dead letters`,
    )
  })
}

function handlerOf(
  { io }: Cli,
  options: WorkOptions,
  out: Output,
  { Reject, RetryLater }: typeof import('../../client/index.ts'),
): (message: WorkMessage, context: WorkContext) => Promise<void> {
  const { command, output, retryDelay } = options
  const onOutput = async (chunk: Buffer): Promise<void> => {
    if (output === 'text') await out.bytes(chunk)
    else io.stderr.write(chunk)
  }
  return async (message, { signal }) => {
    const startedMs = performance.now()
    const end = await runProcess(message, signal, { command, io, onOutput })
    const outcome = outcomeOf(end)
    if (output === 'json') {
      const { topic, partition, offset, deliveryCount: delivery_count } = message
      const duration_ms = Math.round(performance.now() - startedMs)
      const { code: exit_code, signal: by } = end
      const place = { topic, partition, offset, delivery_count }
      out.line(JSON.stringify({ ...place, outcome, exit_code, signal: by, duration_ms }))
    }
    if (outcome === 'ack') return
    const why = reasonOf(end)
    if (output === 'text') {
      out.note(`${message.topic} ${message.partition}/${message.offset}: ${why}`)
    }
    if (outcome === 'reject') throw new Reject(why)
    if (retryDelay !== undefined) throw new RetryLater(retryDelay, why)
    throw new CommandFailed(why)
  }
}

class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

function outcomeOf({ code }: ProcessEnd): 'ack' | 'nack' | 'reject' {
  if (code === 0) return 'ack'
  return code === REJECT_CODE ? 'reject' : 'nack'
}

const reasonOf = ({ code, signal, lastWords }: ProcessEnd): string =>
  [signal === null ? `exit code ${code}` : `ended by ${signal}`, lastWords]
    .filter((part) => part !== '')
    .join(': ')
