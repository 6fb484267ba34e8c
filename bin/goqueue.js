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

const { setFlagsFromString } = require('node:v8')

/** A setting of the engine, for what it still has to allocate. */
const set = (flag, isGiven) => {
  if (!process.execArgv.some((given) => isGiven.test(given))) setFlagsFromString(flag)
}

/**
 * The heap may grow to a bit more than twice of what is live from one full collection to the next. By itself V8 lets it
 * grow further where the machine has the memory. Less is paid with more collections: V8 counts the memory of large
 * bodies as well (resident with 1,000 partitions open, bench size-stored, and processor time a record of raw-1k-100:
 * 180 MB and 6.8 µs at 70, 189 MB and 4.8 µs at 100, 199 MB and 4.1 µs at 150).
 */
set('--heap-growing-percent=120', /^--heap[-_]growing[-_]percent/)

/**
 * Young objects are collected by the thread that made them. Little survives, and waking others for it took longer than
 * it saved: 1.2 and 1.6 ms a collection instead of 1.6 and 2.0, in two pairs of runs at 2,000 publishes and polls a second.
 */
set('--no-parallel-scavenge', /^--(no[-_]?)?parallel[-_]scavenge/)

const {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

const ROOT = join(__dirname, '..')
/** What a build writes last of all. */
const MAIN = join(ROOT, 'dist', 'bundle', 'main.js')
const BUILDING = join(ROOT, 'dist', '.building')
const BUILD = join(ROOT, 'scripts', 'build.mjs')
const COMPILER = join(ROOT, 'node_modules', 'typescript', 'package.json')

const POLL_MS = 50
const BUILD_MS_MAX = 60_000
const NOTHING = new Int32Array(new SharedArrayBuffer(4))
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
  const builtMs = modifiedMs(MAIN)
  return readdirSync(source, { recursive: true, encoding: 'utf8' }).some(
    (file) => file.endsWith('.ts') && modifiedMs(join(source, file)) > builtMs,
  )
}

/** Runs `build` unless another process is at it; then waits for that one. One that died is no reason to wait. */
function exclusively(build) {
  mkdirSync(join(ROOT, 'dist'), { recursive: true })
  for (let waitedMs = 0; !takeLock(); waitedMs += POLL_MS) {
    if (waitedMs > BUILD_MS_MAX) fail(`another build is not done: ${BUILDING}`, 'remove that file')
    if (!isAlive(readLock())) rmSync(BUILDING, { recursive: true, force: true })
    else Atomics.wait(NOTHING, 0, 0, POLL_MS)
  }
  // The one before may have built what this one was to build.
  const status = isStale() ? build() : 0
  rmSync(BUILDING, { force: true })
  if (status !== 0) fail('the build failed', 'see above; `npm ci` installs what it needs')
}

/** The lock appears with its holder in it: an empty one would look like one whose holder died. */
function takeLock() {
  const claim = `${BUILDING}.${process.pid}`
  writeFileSync(claim, String(process.pid))
  try {
    linkSync(claim, BUILDING)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(claim, { force: true })
  }
}

function readLock() {
  try {
    return Number(readFileSync(BUILDING, 'utf8')) || 0
  } catch {
    return 0
  }
}

function isAlive(pid) {
  // Made, and its number not yet written.
  if (pid === 0) return Date.now() - modifiedMs(BUILDING) < POLL_MS * 20
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function build() {
  process.stderr.write('building goqueue (once)…\n')
  const { spawnSync } = require('node:child_process')
  const { status } = spawnSync(process.execPath, [BUILD], { cwd: ROOT, stdio: ['ignore', 2, 2] })
  return status
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
