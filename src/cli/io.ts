/** What a command touches of the process it runs in: given by main.ts, faked by tests. */
import type { Readable, Writable } from 'node:stream'

export interface OutputStream extends Writable {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface InputStream extends Readable {
  readonly isTTY?: boolean
  /** Of a terminal: keys come one by one, and Ctrl-C is one of them. */
  setRawMode?(raw: boolean): unknown
}

export interface CliIo {
  readonly stdin: InputStream
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
}

export const processIo: CliIo = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
}
