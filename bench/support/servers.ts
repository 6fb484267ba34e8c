/** A server under test in a process of its own: a floor, or the real daemon. */
import type { ChildProcess } from 'node:child_process'
import { built, DAEMON, DAEMON_MODULES } from './build.ts'
import { startNode, stopChild } from './children.ts'

export interface Server {
  readonly port: number
  readonly pid: number
  /** Asks it to stop; resolves when it is gone. */
  stop(): Promise<void>
  /** As a crash of the process: no chance to do anything. */
  kill(): Promise<void>
}

/** As bin/goqueue.js sets it: floors and ours write through as many threads. */
const THREADS = { UV_THREADPOOL_SIZE: '16' }
/** The harness has built; the daemon need not look whether its sources are newer. */
const BUILT = { GOQUEUE_BUILD: 'never' }
const START_MS_MAX = 60_000
const PORT = /http:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)/

/** The port that a server names on its standard output, which is read on and dropped. */
function announcedPort(child: ChildProcess, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(
      () => reject(new Error(`${what} did not say where it listens: ${text}`)),
      START_MS_MAX,
    )
    child.once('exit', (code) => reject(new Error(`${what} ended with ${code}: ${text}`)))
    const listen = (chunk: Buffer): void => {
      text += chunk.toString()
      const port = PORT.exec(text)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      child.stdout?.off('data', listen).resume()
      resolve(Number(port))
    }
    child.stdout?.on('data', listen)
  })
}

async function serve(child: ChildProcess, what: string): Promise<Server> {
  const port = await announcedPort(child, what)
  return {
    port,
    pid: child.pid ?? 0,
    stop: () => stopChild(child, 'SIGTERM'),
    kill: () => stopChild(child, 'SIGKILL'),
  }
}

export const startFloor = (...args: readonly string[]): Promise<Server> =>
  serve(startNode({ script: built('floor/main.js'), args, env: THREADS }), 'the floor')

export interface DaemonOptions {
  readonly directory: string
  /** Where a processor profile is left when the daemon stops. */
  readonly profileDirectory?: string | undefined
  readonly args?: readonly string[]
  /** Runs module by module instead of the bundle, so that a profile names files. Starts slower, does the same. */
  readonly unbundled?: boolean
}

export function startDaemon(options: DaemonOptions): Promise<Server> {
  const nodeFlags =
    options.profileDirectory === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${options.profileDirectory}`]
  const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', options.directory]
  const script = options.unbundled === true ? DAEMON_MODULES : DAEMON
  const env = { ...BUILT, ...THREADS }
  return serve(
    startNode({ script, args: [...args, ...(options.args ?? [])], nodeFlags, env }),
    'goqueue serve',
  )
}
