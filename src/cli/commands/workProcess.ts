/** One message, one process: the value on its standard input, the rest in its environment. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { WorkMessage } from '../../client/index.ts'
import { EXIT } from '../../kernel/exitCodes.ts'
import { Failure } from '../../kernel/failure.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import type { CliIo } from '../io.ts'

export interface ProcessEnd {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last of what it wrote to standard error. */
  readonly lastWords: string
}

export interface ProcessSetup {
  readonly command: readonly string[]
  readonly io: CliIo
  readonly onOutput: (chunk: Buffer) => Promise<void>
}

const LAST_WORDS_CHARS = 500
/** A variable of the environment may not be longer than 128 KiB, on Linux. */
const VARIABLE_CHARS_MAX = 100_000
/** From SIGTERM to SIGKILL. */
const KILL_AFTER_MS = 5 * SECOND_MS

/** Resolves when the process has ended and all it wrote was read. Rejects with a Failure where it cannot be run. */
export async function runProcess(
  message: WorkMessage,
  signal: AbortSignal,
  { command, io, onOutput }: ProcessSetup,
): Promise<ProcessEnd> {
  const [file = '', ...args] = command
  const env = { ...io.env, ...variablesOf(message) }
  // In a group of its own: a Ctrl-C is for the worker, which lets its commands finish.
  const child = spawn(file, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  const stop = (): void => terminate(child)
  signal.addEventListener('abort', stop)
  // A command need not read its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(message.value ?? undefined)
  let lastWords = ''
  const onError = async (chunk: Buffer): Promise<void> => {
    lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS_CHARS)
    io.stderr.write(chunk)
  }
  try {
    const [end] = await Promise.all([
      ended(child, file),
      drain(child.stdout, onOutput),
      drain(child.stderr, onError),
    ])
    return { ...end, lastWords: lastWords.trim() }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function ended(child: ChildProcess, file: string): Promise<Omit<ProcessEnd, 'lastWords'>> {
  return new Promise((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(new Failure(EXIT.NO_INPUT, `cannot run ${file}: ${error.code ?? error.message}`))
    })
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
}

async function drain(stream: Readable, take: (chunk: Buffer) => Promise<void>): Promise<void> {
  for await (const chunk of stream) await take(chunk as Buffer)
}

function terminate(child: ChildProcess): void {
  kill(child, 'SIGTERM')
  const timer = setTimeout(() => kill(child, 'SIGKILL'), KILL_AFTER_MS)
  child.on('exit', () => clearTimeout(timer))
}

/** With all it has started. */
function kill({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function variablesOf(message: WorkMessage): Record<string, string> {
  const variables: Readonly<Record<string, string | undefined>> = {
    GOQUEUE_TOPIC: message.topic,
    GOQUEUE_PARTITION: `${message.partition}`,
    GOQUEUE_OFFSET: `${message.offset}`,
    GOQUEUE_KEY: message.keyText(),
    GOQUEUE_TIMESTAMP: new Date(message.timestamp).toISOString(),
    GOQUEUE_PRIORITY: message.priority,
    GOQUEUE_HEADERS: JSON.stringify(message.headers),
    GOQUEUE_DELIVERY_COUNT: `${message.deliveryCount}`,
    GOQUEUE_RECEIPT: message.receipt,
    GOQUEUE_NULL: message.value === null ? '1' : undefined,
  }
  const given: Record<string, string> = {}
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined || value.length > VARIABLE_CHARS_MAX) continue
    given[name] = value.replaceAll('\0', '')
  }
  return given
}
