/** What the commands of the bench have in common: options, errors of one line, exit codes. */
import { EXIT } from '../../src/kernel/exitCodes.ts'

/** The command line is wrong; the message says what would be right. */
export class UsageError extends Error {}

/** A file that was named holds something else than it should. */
export class DataError extends Error {}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`)

function end(error: unknown, code: number): never {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(code)
}

/** What `parse` makes of the command line; an unknown option ends the process. */
export function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    return end(`${messageOf(error)}\n--help shows what there is`, EXIT.USAGE)
  }
}

/** Throws a UsageError where it is no number above 0. */
export function positive(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new UsageError(`--${name} takes a number above 0, not ${text}`)
}

function codeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.USAGE
  if (error instanceof DataError || error instanceof SyntaxError) return EXIT.DATA
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
  return isMissing ? EXIT.NO_INPUT : EXIT.ERROR
}

/** Exits with what `main` resolves with. */
export function runCommand(main: () => Promise<number>): void {
  main().then(
    (code) => process.exit(code),
    (error: unknown) => end(error, codeOf(error)),
  )
}
