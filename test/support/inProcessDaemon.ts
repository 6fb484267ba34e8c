/** A daemon inside the test's own process: quick to start, with a directory of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startDaemon } from '../../src/app/daemon.ts'
import { loadConfiguration, type Settings } from '../../src/config/index.ts'
import { type CliResult, type CliSetup, runCli } from './cliIo.ts'

export const DEFAULT_SETTINGS: Settings = loadConfiguration({ env: {}, flags: {} }).settings

export interface InProcessDaemon {
  readonly url: string
  readonly dataDir: string
  /** `goqueue <args>` against it, in this process. */
  run(args: readonly string[], setup?: CliSetup): Promise<CliResult>
  /** What SIGHUP does. */
  reload(): Promise<void>
  stop(): Promise<void>
}

export async function startInProcess(change: Partial<Settings> = {}): Promise<InProcessDaemon> {
  const dataDir = change.dataDir ?? (await temporaryDirectory())
  const settings: Settings = {
    ...DEFAULT_SETTINGS,
    port: 0,
    logLevel: 'silent',
    dataDir,
    ...change,
  }
  const daemon = await startDaemon({ settings, terminal: false, colour: false })
  onTestFinished(() => daemon.stop())
  return {
    url: daemon.url,
    dataDir,
    run: (args, setup = {}) =>
      runCli(args, { ...setup, env: { GOQUEUE_URL: daemon.url, ...setup.env } }),
    reload: () => daemon.reload(),
    stop: () => daemon.stop(),
  }
}

/** For one test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}
