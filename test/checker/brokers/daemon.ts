/** The daemon as users run it, on a real directory; its clock is libfaketime's where a run steps it. */
import { existsSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrokerProcess, Trick } from './broker.ts'
import type { BuiltBroker } from './build.ts'
import { Child, environment } from './child.ts'

const FAKETIME_LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
  '/usr/local/lib/faketime/libfaketime.so.1',
]

/** Where libfaketime is, if it is. */
export const faketimeLibrary = (): string | undefined =>
  FAKETIME_LIBRARIES.find((path) => existsSync(path))

export interface DaemonSetup {
  readonly built: BuiltBroker
  readonly directory: string
  /** Its wall clock can be told to step. */
  readonly fakesTime: boolean
}

export class DaemonProcess implements BrokerProcess {
  readonly #setup: DaemonSetup
  #child: Child | undefined
  #listener: (how: string) => void = () => undefined

  constructor(setup: DaemonSetup) {
    this.#setup = setup
  }

  async start(): Promise<number> {
    const { built, directory } = this.#setup
    if (this.#setup.fakesTime) await this.#setClock(0)
    const child = new Child({
      command: process.execPath,
      args: [built.main, 'serve', '--port', '0', '--data-dir', join(directory, 'data')],
      env: environment(this.#setup.fakesTime ? this.#fakedTime() : {}),
      logPath: join(directory, 'broker.log'),
      talks: false,
    })
    this.#child = child
    void child.exited.then((how) => child.isExpected || this.#listener(how))
    const [, port] = await child.says(/"url":"http:\/\/[^"]*:(\d+)".*"msg":"ready"/)
    return Number(port)
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const isLasting = signal === 'SIGSTOP' || signal === 'SIGCONT'
    if (!isLasting) child.isExpected = true
    child.process.kill(signal)
    if (!isLasting) await child.exited
  }

  async play(trick: Trick): Promise<void> {
    if (trick.trick !== 'clock' || !this.#setup.fakesTime) {
      throw new Error(`the daemon cannot be told to ${trick.trick}`)
    }
    await this.#setClock(trick.aheadMs)
  }

  onDeath(listener: (how: string) => void): void {
    this.#listener = listener
  }

  async end(): Promise<void> {
    await this.signal('SIGKILL')
  }

  get #clockPath(): string {
    return join(this.#setup.directory, 'clock')
  }

  /** Read anew by the library, and so never half-written. */
  async #setClock(aheadMs: number): Promise<void> {
    const sign = aheadMs < 0 ? '-' : '+'
    await writeFile(`${this.#clockPath}.new`, `${sign}${Math.abs(aheadMs) / 1000}\n`)
    await rename(`${this.#clockPath}.new`, this.#clockPath)
  }

  #fakedTime(): NodeJS.ProcessEnv {
    return {
      LD_PRELOAD: faketimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: this.#clockPath,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_CACHE_DURATION: '1',
    }
  }
}
