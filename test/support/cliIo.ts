/** The process that a command runs in, in memory. */
import { Readable, Writable } from 'node:stream'
import type { CliIo } from '../../src/cli/io.ts'
import { run } from '../../src/cli/run.ts'

export interface CliResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface CliSetup {
  readonly terminal?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Chunks of standard input. */
  readonly stdin?: Iterable<string | Uint8Array>
  readonly columns?: number
}

class Collector extends Writable {
  readonly isTTY: boolean
  readonly columns: number
  text = ''

  constructor({ terminal = false, columns = 100 }: CliSetup) {
    super()
    this.isTTY = terminal
    this.columns = columns
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.text += chunk.toString()
    done()
  }
}

export function fakeIo(setup: CliSetup = {}) {
  const stdout = new Collector(setup)
  const stderr = new Collector(setup)
  const chunks = [...(setup.stdin ?? [])].map((chunk) => Buffer.from(chunk))
  const stdin = Readable.from(chunks, { objectMode: false })
  const io: CliIo = { stdin, stdout, stderr, env: { NO_COLOR: '1', ...setup.env } }
  return { io, stdout, stderr }
}

/** Runs one command line in this process. */
export async function runCli(args: readonly string[], setup: CliSetup = {}): Promise<CliResult> {
  const { io, stdout, stderr } = fakeIo(setup)
  const exitCode = await run(args, io)
  return { exitCode, stdout: stdout.text, stderr: stderr.text }
}
