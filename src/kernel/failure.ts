import type { ExitCode } from './exitCodes.ts'

/** The end of a process with advice: one sentence for what went wrong, one for what to do next. */
export class Failure extends Error {
  override readonly name: string = 'Failure'
  readonly exitCode: ExitCode
  readonly hint: string | undefined

  constructor(exitCode: ExitCode, message: string, options: ErrorOptions & { hint?: string } = {}) {
    super(message, options)
    this.exitCode = exitCode
    this.hint = options.hint
  }
}
