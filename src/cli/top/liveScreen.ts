/**
 * A terminal taken over for a while: a screen of its own, redrawn in place, and a key that ends it. What was there
 * before comes back when it is released.
 */
import type { Cli } from '../context.ts'

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const REST_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'
/** In raw mode Ctrl-C and Ctrl-D are keys like others. */
const ENDING = ['q', 'Q', '\x03', '\x04', '\x1b']

export class LiveScreen {
  readonly #cli: Pick<Cli, 'io' | 'interrupted'>
  readonly #quit = new AbortController()
  readonly #onKey = (key: Buffer | string): void => {
    if (ENDING.includes(String(key))) this.#quit.abort()
  }
  readonly #onInterrupt = (): void => this.#quit.abort()

  constructor(cli: Pick<Cli, 'io' | 'interrupted'>) {
    this.#cli = cli
    const { stdin, stdout } = cli.io
    stdout.write(ENTER)
    cli.interrupted.addEventListener('abort', this.#onInterrupt, { once: true })
    if (stdin.isTTY !== true) return
    stdin.setRawMode?.(true)
    stdin.on('data', this.#onKey)
    stdin.resume()
  }

  /** Aborts when somebody has seen enough. */
  get quit(): AbortSignal {
    return this.#quit.signal
  }

  draw(lines: readonly string[]): void {
    const rows = this.#cli.io.stdout.rows ?? lines.length
    const shown = lines.slice(0, rows).map((line) => line + REST_OF_LINE)
    this.#cli.io.stdout.write(HOME + shown.join('\r\n') + REST_OF_SCREEN)
  }

  release(): void {
    const { stdin, stdout } = this.#cli.io
    this.#cli.interrupted.removeEventListener('abort', this.#onInterrupt)
    stdin.off('data', this.#onKey)
    if (stdin.isTTY === true) {
      stdin.setRawMode?.(false)
      stdin.pause()
    }
    stdout.write(LEAVE)
  }
}
