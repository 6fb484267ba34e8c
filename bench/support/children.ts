/**
 * The processes and directories of a run, all known by one list, so that none outlives it: whatever way the
 * harness goes (end, error, signal), its exit handler kills every child and removes every directory.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const children = new Set<ChildProcess>()
const directories = new Set<string>()
let armed = false
function arm(): void {
  if (armed) return
  armed = true
  process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL')
    for (const directory of directories) rmSync(directory, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(130))
  }
}

/** A directory under the system's temporary one that goes with this process at the latest. */
export function temporaryDirectory(label: string): string {
  arm()
  const directory = mkdtempSync(join(tmpdir(), `goqueue-bench-${label}-`))
  directories.add(directory)
  return directory
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
  directories.delete(directory)
}

export interface NodeOptions {
  readonly script: string
  readonly args: readonly string[]
  /** Opens a channel for messages, whose end the child takes as its own. */
  readonly channel?: boolean
  /** Flags of node itself. */
  readonly nodeFlags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Starts `node script args`; its standard output is a pipe, its standard error ours. */
export function startNode(options: NodeOptions): ChildProcess {
  arm()
  const args = [...(options.nodeFlags ?? []), options.script, ...options.args]
  const child = spawn(process.execPath, args, {
    stdio: options.channel
      ? ['ignore', 'inherit', 'inherit', 'ipc']
      : ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** Resolves when the process is gone, which has been told to go; kills it where it is not after `graceMs`. */
export async function leaveChild(child: ChildProcess, graceMs = 15_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await new Promise<void>((resolve) => child.once('exit', () => resolve()))
  clearTimeout(timer)
}

export async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal)
  await leaveChild(child)
}
