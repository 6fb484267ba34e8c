/**
 * The command line: `goqueue <command> …`. Commands are declared here and live in commands/; each is loaded
 * with what it needs only when it runs.
 */
import yargs, { type Argv } from 'yargs'
import { EXIT, EXIT_MEANINGS, type ExitCode } from '../kernel/exitCodes.ts'
import { suggest } from '../kernel/suggest.ts'
import { VERSION } from '../kernel/version.ts'
import { ackCommand, nackCommand, rejectCommand } from './commands/ack.ts'
import { backupCommand } from './commands/backup.ts'
import { configCommand } from './commands/config.ts'
import { consumeCommand } from './commands/consume.ts'
import { delayedCommand } from './commands/delayed.ts'
import { dlqCommand } from './commands/dlq.ts'
import { doctorCommand } from './commands/doctor.ts'
import { dumpCommand } from './commands/dump.ts'
import { groupCommand } from './commands/group.ts'
import { healthCommand } from './commands/health.ts'
import { priorityCommand } from './commands/priority.ts'
import { produceCommand } from './commands/produce.ts'
import { restoreCommand } from './commands/restore.ts'
import { serveCommand } from './commands/serve.ts'
import { topCommand } from './commands/top.ts'
import { topicCommand } from './commands/topic.ts'
import { versionCommand } from './commands/version.ts'
import { workCommand } from './commands/work.ts'
import type { Cli } from './context.ts'
import { reportOf, UsageError } from './failureReport.ts'
import type { CliIo } from './io.ts'
import { accessOf } from './options.ts'
import { coloursFor } from './output.ts'
import { ownName } from './ownName.ts'

const COMMANDS: readonly ((yargs: Argv, cli: Cli) => Argv)[] = [
  serveCommand,
  topicCommand,
  produceCommand,
  consumeCommand,
  groupCommand,
  workCommand,
  ackCommand,
  nackCommand,
  rejectCommand,
  dlqCommand,
  delayedCommand,
  priorityCommand,
  topCommand,
  healthCommand,
  doctorCommand,
  configCommand,
  dumpCommand,
  backupCommand,
  restoreCommand,
  versionCommand,
]

const HELP_COLUMNS_MAX = 100

/** Runs one command line; resolves with what the process should exit with. Never rejects. */
export async function run(args: readonly string[], io: CliIo): Promise<ExitCode> {
  const interruption = new Interruption()
  const cli: Cli = {
    io,
    exitCode: EXIT.OK,
    access: { apiKey: undefined, caFile: undefined },
    get interrupted() {
      return interruption.signal
    },
  }
  try {
    const help = await parse(args, cli)
    if (help !== '') io.stdout.write(`${help}\n`)
    return cli.exitCode
  } catch (error) {
    return reportFailure(error, io)
  } finally {
    interruption.release()
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Ctrl-C or SIGTERM, for commands that do something about it; for the others it stays what it is to any process. */
class Interruption {
  readonly #abort = new AbortController()
  readonly #interrupt = (): void => this.#abort.abort()
  #isWatched = false

  get signal(): AbortSignal {
    if (!this.#isWatched) for (const signal of SIGNALS) process.once(signal, this.#interrupt)
    this.#isWatched = true
    return this.#abort.signal
  }

  release(): void {
    for (const signal of SIGNALS) process.removeListener(signal, this.#interrupt)
  }
}

/** Resolves with a text to be shown, where help, version or completion was asked for. */
async function parse(args: readonly string[], cli: Cli): Promise<string> {
  let shown = ''
  await parserFor(args, cli).parseAsync([...args], {}, (_error, _argv, output) => {
    shown = output
  })
  return shown
}

/** The parser with all commands. */
function parserFor(args: readonly string[], cli: Cli): Argv {
  const parser = yargs([...args])
    .scriptName('goqueue')
    .usage('$0 <command>\n\nA partitioned log broker that is also a work queue and a scheduler.')
    .detectLocale(false)
    .exitProcess(false)
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
      'dot-notation': false,
      'boolean-negation': false,
    })
    .wrap(Math.min(cli.io.stdout.columns ?? HELP_COLUMNS_MAX, HELP_COLUMNS_MAX))
    .fail((message, error, failed) => {
      // What an option's own reading throws comes wrapped: by then only its message is left.
      const isOurs = error !== undefined && error !== null && error.name !== 'YError'
      throw isOurs ? error : usageError(error?.message ?? message, args, failed)
    })
  for (const addCommand of COMMANDS) addCommand(parser, cli)
  parser.middleware((argv) => {
    cli.access = accessOf(argv)
  })
  return parser
    .completion('completion', 'Print a script that completes commands in bash or zsh')
    .demandCommand(1, 'say what to do')
    .recommendCommands()
    .strict()
    .version(VERSION)
    .alias('h', 'help')
    .epilogue(`Exit codes:\n${exitCodeLines().join('\n')}`)
}

const exitCodeLines = (): readonly string[] =>
  Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `${code.padStart(5)}  ${meaning}`)

function usageError(message: string, args: readonly string[], failed: Argv): UsageError {
  const words = args.filter((arg) => !arg.startsWith('-'))
  const wanted = /^Did you mean (\S+)\?$/.exec(message)?.[1]
  if (wanted !== undefined) return unknownCommand(words, wanted)
  const command = words[0]
  const see = `goqueue ${command === undefined ? '' : `${command} `}--help`
  const unknown = /^Unknown argument: (.+)$/.exec(message)?.[1]
  const nearest = unknown === undefined ? undefined : suggest(unknown, flagsOf(failed))
  const meant = nearest === undefined ? '' : `; did you mean --${nearest}?`
  const plain = message || 'the command line is wrong'
  return new UsageError(lowerFirst(plain) + meant, `see ${see}`)
}

function unknownCommand(words: readonly string[], wanted: string): UsageError {
  const typed = words.findIndex((word) => suggest(word, [wanted]) !== undefined)
  if (typed === -1) {
    return new UsageError(`there is no command ${words.join(' ')}`, 'see goqueue --help')
  }
  const message = `there is no command ${words[typed]}; did you mean ${wanted}?`
  return new UsageError(message, `see ${['goqueue', ...words.slice(0, typed), '--help'].join(' ')}`)
}

/** The flags that a command knows, from its own help. */
function flagsOf(failed: Argv): readonly string[] {
  const help: unknown = failed.help()
  const text = typeof help === 'string' ? help : ''
  return [...text.matchAll(/--([a-z-]+)/g)].map((match) => match[1] ?? '')
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function reportFailure(error: unknown, io: CliIo): ExitCode {
  const { exitCode, message, hint } = reportOf(error)
  const colours = coloursFor(io, io.stderr)
  io.stderr.write(`${colours.red('error:')} ${message}\n`)
  const typed = hint?.replaceAll('`goqueue ', `\`${ownName(io.env)} `)
  if (typed !== undefined) io.stderr.write(`${colours.dim('hint:')} ${typed}\n`)
  return exitCode
}
