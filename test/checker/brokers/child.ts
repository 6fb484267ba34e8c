/** A broker in a process of its own: started, listened to, ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'

export interface ChildSetup {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Takes what it writes. */
  readonly logPath: string
  /** Whether messages go to and fro. */
  readonly talks: boolean
}

const START_MS_MAX = 60_000

/** None outlives whoever started it. */
const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const each of alive) each.kill('SIGKILL')
})

export class Child {
  readonly process: ChildProcess
  readonly exited: Promise<string>
  /** True once somebody has asked it to end. */
  isExpected = false
  #text = ''

  constructor({ command, args, env, logPath, talks }: ChildSetup) {
    const outputs = ['ignore', 'pipe', 'pipe'] as const
    const stdio = talks ? [...outputs, 'ipc' as const] : [...outputs]
    this.process = spawn(command, args, { env, stdio })
    const log = createWriteStream(logPath, { flags: 'a' })
    this.process.stdout?.on('data', (chunk: Buffer) => {
      log.write(chunk)
      this.#text = (this.#text + chunk).slice(-20_000)
      this.#listener?.(this.#text)
    })
    this.process.stderr?.on('data', (chunk: Buffer) => log.write(chunk))
    this.exited = new Promise((resolve) => {
      alive.add(this.process)
      this.process.on('close', (code, signal) => {
        alive.delete(this.process)
        log.end()
        resolve(signal ?? `exit code ${code}`)
      })
    })
  }

  #listener: ((text: string) => void) | undefined

  /** The first match in what it writes; rejects where it ends, or takes too long. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise((resolve, reject) => {
        this.#listener = (text) => {
          const match = pattern.exec(text)
          if (match !== null) resolve(match)
        }
        this.#listener(this.#text)
        timer = setTimeout(
          () => reject(new Error(`the broker is not ready: ${this.#text.slice(-2000)}`)),
          START_MS_MAX,
        )
        void this.exited.then((how) =>
          reject(new Error(`the broker ended at its start (${how}): ${this.#text.slice(-2000)}`)),
        )
      })
    } finally {
      clearTimeout(timer)
      this.#listener = undefined
    }
  }
}

/** Nothing of the environment of whoever runs the checks reaches the broker. */
export function environment(extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:GOQUEUE_|npm_)/.test(name))
  return { ...Object.fromEntries(own), UV_THREADPOOL_SIZE: '16', ...extra }
}
