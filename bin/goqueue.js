#!/usr/bin/env node
/**
 * The command. In a checkout it builds what is missing or stale, so that it works right after `npm ci`.
 *
 * CommonJS on purpose: Node reads an ES module's own file through its thread pool, whose size is then fixed
 * before the first line of that module runs. Measured on Node 20: 4 threads from an ES module, 16 from here.
 */
'use strict'

// Syncs of several logs go on at once, each in a thread of the pool; it must be set before the pool's first use.
process.env['UV_THREADPOOL_SIZE'] ||= '16'

const { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

const ROOT = join(__dirname, '..')
const MAIN = join(ROOT, 'dist', 'cli', 'main.js')
/** Written by the compiler last of all. */
const STAMP = join(ROOT, 'dist', '.tsbuildinfo')
const BUILDING = join(ROOT, 'dist', '.building')
const COMPILER = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

const POLL_MS = 50
const BUILD_MS_MAX = 60_000
const EXIT_ERROR = 1

function fail(message, hint) {
  process.stderr.write(`error: ${message}\nhint: ${hint}\n`)
  process.exit(EXIT_ERROR)
}

const modifiedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** True where a source is newer than the last build; an installed package has no sources. */
function isStale() {
  if (!existsSync(MAIN)) return true
  const source = join(ROOT, 'src')
  if (!existsSync(source)) return false
  const builtMs = modifiedMs(STAMP)
  return readdirSync(source, { recursive: true, encoding: 'utf8' }).some(
    (file) => file.endsWith('.ts') && modifiedMs(join(source, file)) > builtMs,
  )
}

/** Runs `build` unless another process is at it; then waits for that one. */
function exclusively(build) {
  mkdirSync(join(ROOT, 'dist'), { recursive: true })
  try {
    mkdirSync(BUILDING)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    waitForOther()
    return
  }
  try {
    build()
  } finally {
    rmSync(BUILDING, { recursive: true, force: true })
  }
}

function waitForOther() {
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  for (let waitedMs = 0; existsSync(BUILDING); waitedMs += POLL_MS) {
    if (waitedMs > BUILD_MS_MAX)
      fail(`another build is not done: ${BUILDING}`, 'remove that directory')
    Atomics.wait(nothing, 0, 0, POLL_MS)
  }
}

function build() {
  process.stderr.write('building goqueue (once)…\n')
  const { spawnSync } = require('node:child_process')
  const args = [COMPILER, '-p', join(ROOT, 'tsconfig.build.json')]
  // Standard output belongs to the command: what the compiler says goes to standard error.
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (status !== 0) fail('the build failed', 'see above; `npm ci` installs what it needs')
  // The compiler leaves the stamp as it is where nothing it emits has changed.
  const now = new Date()
  utimesSync(STAMP, now, now)
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`goqueue needs Node 20.19 or newer, this is ${process.versions.node}`, 'see nodejs.org')
}
if (process.env['GOQUEUE_BUILD'] !== 'never' && isStale()) {
  if (existsSync(COMPILER)) exclusively(build)
  else if (!existsSync(MAIN)) fail('goqueue is not built', 'run `npm ci` and try again')
}

void import(pathToFileURL(MAIN).href)
