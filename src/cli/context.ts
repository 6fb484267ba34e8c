/** What every command gets: the process's streams, where results go, and how it is interrupted. */
import { BrokerError } from '../kernel/errors.ts'
import { EXIT, type ExitCode } from '../kernel/exitCodes.ts'
import { UsageError } from './failureReport.ts'
import type { CliIo } from './io.ts'
import { type AccessOptions, DEFAULT_URL } from './options.ts'
import { type Format, Output } from './output.ts'

export interface Cli {
  readonly io: CliIo
  /** Aborts at the first Ctrl-C or SIGTERM; a second one ends the process as the shell is used to. */
  readonly interrupted: AbortSignal
  /** What the process exits with once the command has returned. */
  exitCode: ExitCode
  /** What the command line says about the way in. */
  access: AccessOptions
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
  const connection = new client.Connection({ url: at, ...(await accessFor(cli)) })
  try {
    return await use(client, connection)
  } finally {
    await connection.close()
  }
}

async function accessFor({ io: { env }, access }: Cli): Promise<Access> {
  const apiKey = access.apiKey ?? (env['GOQUEUE_API_KEY'] || undefined)
  const path = access.caFile ?? (env['GOQUEUE_CA_FILE'] || undefined)
  if (path === undefined) return { apiKey, ca: undefined }
  const { readFileChunks } = await import('../app/index.ts')
  const chunks: Uint8Array[] = []
  for await (const chunk of (await readFileChunks(path)).chunks) chunks.push(chunk)
  const ca = Buffer.concat(chunks).toString()
  if (ca.includes('-----BEGIN CERTIFICATE-----')) return { apiKey, ca }
  throw new UsageError(`${path} holds no certificate in PEM`, '--ca-file takes what signed it')
}

type Access = InstanceType<typeof import('../client/index.ts').Connection>['access']
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
