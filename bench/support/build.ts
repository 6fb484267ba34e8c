/**
 * Compiles what is measured: `dist/` (the daemon) and `bench/results/build/` (floors, client, in-process
 * turns). Floors and ours come from the same compiler, none runs through a loader that rewrites functions.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The compiled form of a file of `bench/`, as in `load/main.js`. */
export const built = (path: string): string => `${ROOT}bench/results/build/bench/${path}`

export const DAEMON = process.env['BENCH_DAEMON'] ?? `${ROOT}bin/goqueue.js`

export const DAEMON_MODULES = `${ROOT}dist/cli/main.js`

function run(command: string, ...args: readonly string[]): void {
  const ended = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  if (ended.status !== 0) process.stderr.write(`${ended.stdout}${ended.stderr}`)
}

/** Errors of types are shown and do not stop a run: the compiler writes its output all the same. */
export function build(): void {
  run('npx', '--no-install', 'tsc', '-p', 'bench/tsconfig.json')
  if (process.env['BENCH_DAEMON'] === undefined) run(process.execPath, 'scripts/build.mjs')
}
