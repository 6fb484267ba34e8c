/** What every command gets: the process's streams, where results go, and how it is interrupted. */
import { BrokerError } from '../kernel/errors.ts'
import { EXIT, type ExitCode } from '../kernel/exitCodes.ts'
import { UsageError } from './failureReport.ts'
import type { CliIo } from './io.ts'
import { DEFAULT_URL } from './options.ts'
import { type Format, Output } from './output.ts'

export interface Cli {
  readonly io: CliIo
  /** Aborts at the first Ctrl-C or SIGTERM; a second one ends the process as the shell is used to. */
  readonly interrupted: AbortSignal
  /** What the process exits with once the command has returned. */
  exitCode: ExitCode
}

export const outputFor = (cli: Cli, format?: Format): Output => new Output(cli.io, format)

/** Runs `use` with a connection to the broker and closes it. The client is loaded only by those who ask. */
export async function withConnection<T>(
  cli: Cli,
  url: string | undefined,
  use: (client: typeof import('../client/index.ts'), connection: Connection) => Promise<T>,
): Promise<T> {
  const client = await import('../client/index.ts')
  const at = url ?? (cli.io.env['GOQUEUE_URL'] || DEFAULT_URL)
  if (!/^https?:\/\/[^/]/.test(at) || !URL.canParse(at)) {
    throw new UsageError(`not an http or https URL: ${at}`, `such as ${DEFAULT_URL}`)
  }
  const connection = new client.Connection({ url: at })
  try {
    return await use(client, connection)
  } finally {
    await connection.close()
  }
}

type Connection = InstanceType<typeof import('../client/index.ts').Connection>

/** Runs `follow`, whose interruption by Ctrl-C is its ordinary end. */
export async function untilInterrupted(cli: Cli, follow: () => Promise<void>): Promise<void> {
  try {
    await follow()
  } catch (error) {
    const isEnd = error instanceof BrokerError && error.code === 'CANCELLED'
    if (!isEnd || !cli.interrupted.aborted) throw error
    cli.exitCode = EXIT.OK
  }
}
