/**
 * `goqueue top`: what a broker does, second by second. A broker that does not answer is part of what is shown: the
 * command goes on and says so, until it answers again.
 */
import type { Argv } from 'yargs'
import type { Connection } from '../../client/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { DAY_MS, SECOND_MS } from '../../kernel/units.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, duration, formatOption, oneOf } from '../options.ts'
import type { Output } from '../output.ts'
import { figuresBetween, type TopFigures } from '../top/figures.ts'
import { LiveScreen } from '../top/liveScreen.ts'
import { type Look, look } from '../top/look.ts'
import { type Screen, SORTS, type Sort, screenLines } from '../top/screen.ts'
import { passed } from '../watch.ts'

const DEFAULT_INTERVAL_MS = 1 * SECOND_MS
const DEFAULT_COLUMNS = 100

export const topCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'top',
    'Watch topics, groups, lanes, delayed messages and the process; q ends it',
    (command) =>
      formatOption(brokerOptions(command))
        .option('once', {
          boolean: true,
          default: false,
          describe: 'One look over one interval, then end; 69 where no broker answers',
        })
        .option('interval', {
          alias: 'i',
          describe: 'Time between two looks [1s]',
          coerce: duration('interval', { minMs: 100, maxMs: DAY_MS }),
          requiresArg: true,
        })
        .option('sort', {
          describe: `Order of the topics: ${SORTS.join(', ')} [busy]`,
          coerce: (value: unknown): Sort => oneOf('sort', SORTS, value),
          requiresArg: true,
        })
        .example('$0 top', 'until q or Ctrl-C')
        .example('$0 top --once', 'one table')
        .example("$0 top -o json | jq -c '.topics[] | [.topic, .in_rate]'", 'an object a line')
        .example('$0 top --once -o json | jq .process.event_loop_lag_seconds', ''),
    async ({ url, output, once, interval = DEFAULT_INTERVAL_MS, sort = 'busy' }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async (_, connection) => {
        const top = new Top({ cli, connection, out, intervalMs: interval, sort })
        if (once) await top.once()
        else if (out.format === 'table' && out.isTerminal) await top.live()
        else await top.stream()
      })
    },
  )

interface TopOptions {
  readonly cli: Cli
  readonly connection: Connection
  readonly out: Output
  readonly intervalMs: number
  readonly sort: Sort
}

/** Figures, or why there are none. */
type Seen =
  | ({ readonly up: true } & TopFigures)
  | { readonly up: false; readonly code: string; readonly error: string }

class Top {
  readonly #options: TopOptions
  #before: Look | undefined
  #downSince: string | undefined

  constructor(options: TopOptions) {
    this.#options = options
  }

  /** Rates over one interval. Rejects where no broker answers. */
  async once(): Promise<void> {
    const { cli, connection, intervalMs, out } = this.#options
    const before = await look(connection)
    await passed(intervalMs, cli.interrupted)
    const figures = figuresBetween(before, await look(connection))
    out.result({ ...this.#when(), up: true, ...figures }, () => {
      for (const line of this.#lines({ up: true, ...figures }, undefined)) out.line(line)
    })
  }

  /** On a screen of its own, until somebody ends it. */
  async live(): Promise<void> {
    const { cli, intervalMs } = this.#options
    const screen = new LiveScreen(cli)
    try {
      await this.#repeat(screen.quit, intervalMs, (seen) => {
        screen.draw([...this.#lines(seen, cli.io.stdout.rows), ''])
      })
    } finally {
      screen.release()
    }
  }

  /** One object a line, or one table after the other. */
  async stream(): Promise<void> {
    const { cli, intervalMs, out } = this.#options
    await this.#repeat(cli.interrupted, intervalMs, (seen) => {
      if (out.format === 'json') out.line(JSON.stringify({ ...this.#when(), ...seen }))
      else for (const line of [...this.#lines(seen, undefined), '']) out.line(line)
    })
  }

  async #repeat(until: AbortSignal, intervalMs: number, show: (seen: Seen) => void): Promise<void> {
    const { out } = this.#options
    while (!until.aborted && !out.readerGone) {
      const begunMs = performance.now()
      const seen = await this.#see()
      if (until.aborted) return
      show(seen)
      await passed(Math.max(0, intervalMs - (performance.now() - begunMs)), until)
    }
  }

  /** Rejects with what waiting does not mend: a wrong key, no goqueue at that address. */
  async #see(): Promise<Seen> {
    try {
      const now = await look(this.#options.connection)
      const figures = figuresBetween(this.#before, now)
      this.#before = now
      this.#downSince = undefined
      return { up: true, ...figures }
    } catch (error) {
      if (!(error instanceof BrokerError && error.retryable)) throw error
      this.#before = undefined
      this.#downSince ??= clockTime()
      return { up: false, code: error.code, error: error.message }
    }
  }

  #lines(seen: Seen, rows: number | undefined): readonly string[] {
    const { cli, connection, out, sort } = this.#options
    const { colours } = out
    const columns = cli.io.stdout.columns ?? DEFAULT_COLUMNS
    const title = `${colours.bold('goqueue')} ${seen.up ? `${seen.version} ` : ''}at ${connection.url}`
    if (!seen.up) {
      const since = colours.dim(`since ${this.#downSince}; it is asked again and again, q ends`)
      return [title, '', `${colours.red(seen.code)} ${seen.error}`.slice(0, columns + 10), since]
    }
    const screen: Screen = { columns, rows: rows === undefined ? undefined : rows - 2, colours }
    const up = colours.dim(`up ${uptime(seen.process.uptime_seconds)}  ${clockTime()}`)
    return [`${title}  ${up}`, ...screenLines(seen, sort, screen)]
  }

  #when(): { readonly time: string; readonly url: string } {
    return { time: new Date().toISOString(), url: this.#options.connection.url }
  }
}

const clockTime = (): string => new Date().toTimeString().slice(0, 8)

/** `3d 4h`, `5h 12m`, `40s`: the two largest units. */
function uptime(seconds: number): string {
  const [d, h, m] = [seconds / 86_400, (seconds / 3_600) % 24, (seconds / 60) % 60].map(Math.floor)
  if (d) return `${d}d ${h}h`
  if (h) return `${h}h ${m}m`
  return m ? `${m}m` : `${Math.floor(seconds)}s`
}
