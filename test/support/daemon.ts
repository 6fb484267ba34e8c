/** The real daemon and the real command line, each as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const BIN = fileURLToPath(new URL('../../bin/goqueue.js', import.meta.url))

/** A directory of its own for one test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-e2e-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Nothing of the environment of whoever runs the tests reaches the processes under test. */
function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(?:GOQUEUE_|npm_|FORCE_COLOR$)/.test(name),
  )
  // The end-to-end project builds once for all tests.
  return { ...Object.fromEntries(entries), GOQUEUE_BUILD: 'never', ...extra }
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

function collect(child: ChildProcess): Promise<Exit> {
  const text = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    text.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    text.stderr += chunk
  })
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, ...text }))
  })
}

export interface CommandOptions {
  /** Written to standard input, which is then closed. */
  readonly input?: string | Uint8Array
  /** Leaves standard input open for the test to write to. */
  readonly keepInputOpen?: boolean
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Flags of node itself. */
  readonly nodeFlags?: readonly string[]
}

/** `goqueue <args>` to its end. */
export function goqueue(args: readonly string[], options: CommandOptions = {}): Promise<Exit> {
  return startGoqueue(args, options).exit
}

export interface RunningCommand {
  readonly process: ChildProcess
  readonly exit: Promise<Exit>
  /** The next line of standard output; rejects where there is none. */
  nextLine(): Promise<string>
}

/** `goqueue <args>`, under way. */
export function startGoqueue(
  args: readonly string[],
  { input, keepInputOpen = false, env, cwd, nodeFlags = [] }: CommandOptions = {},
): RunningCommand {
  const child = spawn(process.execPath, [...nodeFlags, BIN, ...args], {
    env: environment(env),
    cwd,
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const exit = collect(child)
  const lines = new Lines(child)
  // A command that ends early leaves its input unread.
  child.stdin.on('error', () => undefined)
  if (!keepInputOpen) child.stdin.end(input)
  return {
    process: child,
    exit,
    async nextLine() {
      const line = await lines.next()
      if (line === undefined) throw new Error(`no more output: ${JSON.stringify(await exit)}`)
      return line
    },
  }
}

/**
 * Standard output line by line, for those who ask for lines; nobody has to. readline's own iterator stops reading
 * behind 1,024 lines that nobody took: the process then waits for its reader for ever.
 */
class Lines {
  #lines: string[] = []
  #rest = ''
  #isOver = false
  #wake: (() => void) | undefined

  constructor({ stdout }: ChildProcess) {
    stdout?.setEncoding('utf8')
    stdout?.on('data', (chunk) => {
      const parts = `${this.#rest}${chunk}`.split('\n')
      this.#rest = parts.pop() ?? ''
      for (const part of parts) this.#lines.push(part)
      this.#wake?.()
    })
    stdout?.on('close', () => {
      if (this.#rest !== '') this.#lines.push(this.#rest)
      this.#isOver = true
      this.#wake?.()
    })
  }

  /** Undefined where there is none any more. */
  async next(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#lines.shift()
  }
}

export interface TestDaemon {
  readonly url: string
  readonly port: number
  readonly dataDir: string
  readonly pid: number
  /** How it ended, once it has. */
  readonly exit: Promise<Exit>
  /** `goqueue <args>` against this daemon. */
  run(args: readonly string[], options?: CommandOptions): Promise<Exit>
  /** One request, answered with JSON; rejects where it is refused. Cheaper than a command. */
  ask(method: string, path: string, body?: unknown): Promise<unknown>
  /** SIGTERM; resolves with how it ended. */
  stop(): Promise<Exit>
  /** SIGKILL: as if it had crashed. */
  kill(): Promise<Exit>
}

export interface DaemonSetup {
  /** Default: a new temporary directory. */
  readonly dataDir?: string
  /** Default: any free one. */
  readonly port?: number
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly nodeFlags?: readonly string[]
}

/** Resolves when it takes work, on a port of its own. */
export async function startDaemon(setup: DaemonSetup = {}): Promise<TestDaemon> {
  const dataDir = setup.dataDir ?? (await temporaryDirectory())
  const port = String(setup.port ?? 0)
  const args = ['serve', '--port', port, '--data-dir', dataDir, ...(setup.args ?? [])]
  const command = startGoqueue(args, { env: setup.env ?? {}, nodeFlags: setup.nodeFlags ?? [] })
  const url = await readyUrl(command)
  const end = (signal: NodeJS.Signals): Promise<Exit> => {
    command.process.kill(signal)
    return command.exit
  }
  return {
    url,
    port: Number(new URL(url).port),
    dataDir,
    pid: command.process.pid ?? 0,
    exit: command.exit,
    run: (commandArgs, options = {}) =>
      goqueue(commandArgs, { ...options, env: { GOQUEUE_URL: url, ...options.env } }),
    ask: (method, path, body) => ask(method, url + path, body),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

async function ask(method: string, url: string, body: unknown): Promise<unknown> {
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(url, { method, ...content, ...(body === undefined ? {} : { headers }) })
  if (!reply.ok) throw new Error(`${method} ${url}: ${reply.status} ${await reply.text()}`)
  return await reply.json()
}

/** The address in the line that says the daemon is ready. */
async function readyUrl(command: RunningCommand): Promise<string> {
  for (;;) {
    const entry = JSON.parse(await command.nextLine()) as { msg: string; url: string }
    if (entry.msg === 'ready') return entry.url
  }
}
