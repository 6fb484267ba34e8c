/**
 * Where commands write: results to standard output, everything for people's eyes only to standard error.
 *
 * On a terminal results are tables and text, elsewhere JSON, so that `goqueue … | jq` needs no flag; `-o` decides
 * otherwise. A reader that went away (`| head`) ends the command quietly.
 */
import Table from 'cli-table3'
import picocolors from 'picocolors'
import type { CliIo, OutputStream } from './io.ts'

export type Format = 'table' | 'json'
export type Cell = string | number

export class Output {
  readonly format: Format
  /** Colours of standard output; plain functions where there are none. */
  readonly colours: ReturnType<typeof picocolors.createColors>
  readonly #io: CliIo
  #readerGone = false

  constructor(io: CliIo, format?: Format) {
    this.#io = io
    this.format = format ?? (io.stdout.isTTY ? 'table' : 'json')
    this.colours = coloursFor(io, io.stdout)
    io.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      this.#readerGone = true
    })
  }

  /** True once nobody reads standard output any more. */
  get readerGone(): boolean {
    return this.#readerGone
  }

  get isTerminal(): boolean {
    return this.#io.stdout.isTTY === true
  }

  /** The result for programs where the format is JSON, else what `people` writes. */
  result(value: unknown, people: () => void): void {
    if (this.format === 'json') this.line(JSON.stringify(value, undefined, 2))
    else people()
  }

  line(text: string): void {
    if (!this.#readerGone) this.#io.stdout.write(`${text}\n`)
  }

  /** Writes bytes as they are and resolves when there is room for more. */
  async bytes(chunk: Uint8Array | string): Promise<void> {
    const { stdout } = this.#io
    if (this.#readerGone || stdout.write(chunk)) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'close', 'error']) stdout.removeListener(event, done)
        resolve()
      }
      for (const event of ['drain', 'close', 'error']) stdout.once(event, done)
    })
  }

  /** Writes bytes as they are; resolves with whether they were taken, false where nobody reads any more. */
  delivered(chunk: Uint8Array): Promise<boolean> {
    if (this.#readerGone) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#io.stdout.write(chunk, (error) => resolve(error == null))
    })
  }

  /** Aligned columns under a quiet heading, numbers to the right. */
  table(headings: readonly string[], rows: readonly (readonly Cell[])[]): void {
    const isNumeric = headings.map(
      (_, i) => rows.length > 0 && rows.every((row) => isNumber(row[i])),
    )
    const table = new Table({
      head: headings.map((heading) => this.colours.dim(heading.toUpperCase())),
      colAligns: isNumeric.map((numeric) => (numeric ? 'right' : 'left')),
      chars: PLAIN,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    })
    table.push(...rows.map((row) => row.map(String)))
    for (const line of table.toString().split('\n')) this.line(line.trimEnd())
  }

  /** Something for people, beside the result. */
  note(text: string): void {
    this.#io.stderr.write(`${text}\n`)
  }
}

/** Also what stands for a number that there is not: `-`, or that nobody knows: `?`. */
const isNumber = (cell: Cell | undefined): boolean =>
  typeof cell === 'number' || /^(?:[-?]|[\d,.]+ ?(?:[KMGT]i)?B?)$/.test(String(cell))

/** A table of cli-table3 without any of its lines. */
const PLAIN = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left'],
    ...['bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
)

/** NO_COLOR (any value but empty) wins over FORCE_COLOR, which wins over what the stream is. */
export function coloursFor(
  { env }: CliIo,
  stream: OutputStream,
): ReturnType<typeof picocolors.createColors> {
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  const forced = (env['FORCE_COLOR'] ?? '') !== '' && env['FORCE_COLOR'] !== '0'
  return picocolors.createColors(!refused && (forced || stream.isTTY === true))
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1.4 MiB`: three digits, for people. */
export function humanBytes(bytes: number): string {
  let unit = 0
  let amount = bytes
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024
    unit += 1
  }
  const digits = unit === 0 || amount >= 100 ? 0 : 1
  return `${amount.toFixed(digits)} ${UNITS[unit]}`
}

/** `1,707`: grouped, for people. */
export const humanCount = (count: number): string => count.toLocaleString('en-US')

/** `1 message`, `2 messages`. */
export const plural = (count: number, noun: string): string =>
  `${humanCount(count)} ${noun}${count === 1 ? '' : 's'}`
