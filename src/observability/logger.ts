/**
 * The daemon's log: pino behind the kernel's Logger. One JSON object a line, or on a terminal one coloured line.
 *
 *   {"level":"info","time":"2026-01-31T12:00:00.000Z","pid":7,"port":8080,"msg":"listening"}
 *
 * Written synchronously: a daemon that logs little and dies hard must not lose its last words. What each level is for
 * and what the fields are called: docs/logging.md, which a test holds against the code.
 */
import { pino } from 'pino'
import { BrokerError } from '../kernel/errors.ts'
import type { LogFields, Logger } from '../kernel/platform.ts'

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogDestination {
  write(line: string): void
}

export interface LoggerOptions {
  readonly level: LogLevel
  readonly format: 'pretty' | 'json'
  /** Default: standard output. */
  readonly destination?: LogDestination | undefined
  /** For `pretty`; default false. */
  readonly colour?: boolean
}

/** A logger that can also say why the process is about to end. */
export interface RootLogger extends Logger {
  fatal(fields: LogFields, message: string): void
}

/** An error under `error` is written as {@link errorFields} has it. */
export async function createLogger(options: LoggerOptions): Promise<RootLogger> {
  const logger = pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: errorFields },
    },
    await stream(options),
  )
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    fatal: (fields, message) => logger.fatal(fields, message),
  }
}

const CAUSES_MAX = 5

/**
 * An error with its message, code and cause; with its stack where it is none of ours: those say in their code where
 * they come from. Anything else as it is.
 */
function errorFields(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error) || depth > CAUSES_MAX) return error
  const { name, message, stack, cause } = error
  const code: unknown = 'code' in error ? error.code : undefined
  return {
    type: name,
    ...(code === undefined ? {} : { code }),
    message,
    ...(cause === undefined ? {} : { cause: errorFields(cause, depth + 1) }),
    ...(error instanceof BrokerError ? {} : { stack }),
  }
}

const STANDARD_OUTPUT = 1

async function stream(options: LoggerOptions): Promise<LogDestination> {
  const { format, destination, colour = false } = options
  const plain = destination ?? pino.destination({ dest: STANDARD_OUTPUT, sync: true })
  if (format === 'json') return plain
  // Only a terminal needs it.
  const { prettyFactory } = await import('pino-pretty')
  const formatted = prettyFactory({
    colorize: colour,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid',
    singleLine: true,
  })
  return { write: (line) => plain.write(formatted(line)) }
}
