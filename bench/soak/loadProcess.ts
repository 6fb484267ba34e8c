/** The process of the load, as the one that watches sees it. */
import type { ChildProcess } from 'node:child_process'
import { built } from '../support/build.ts'
import { leaveChild, startNode } from '../support/children.ts'
import type { FromLoad, ToLoad } from './load/main.ts'

const STOP_GRACE_MS = 60_000

export class LoadProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<never>
  #last: FromLoad | undefined
  #stopped: (message: FromLoad) => void = () => undefined

  constructor(start: Extract<ToLoad, { kind: 'start' }>) {
    this.#child = startNode({ script: built('soak/load/main.js'), args: [], channel: true })
    this.#ended = new Promise((_, reject) => {
      this.#child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)))
      this.#child.on('message', (message: FromLoad) => {
        this.#last = message
        if (message.kind === 'failed') reject(new Error(`the load failed: ${message.why}`))
        if (message.kind === 'stopped') this.#stopped(message)
      })
    })
    this.#ended.catch(() => undefined)
    this.#child.send(start)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Rejects when the process ends, or says that it cannot go on; never resolves. */
  get failed(): Promise<never> {
    return this.#ended
  }

  /** What it told last; empty before it has told anything. */
  get told(): Pick<FromLoad, 'counts' | 'problems'> {
    return this.#last ?? {}
  }

  /** Resolves with its last words. */
  async stop(drainMs: number): Promise<FromLoad> {
    const stopped = new Promise<FromLoad>((resolve) => {
      this.#stopped = resolve
    })
    const stop: ToLoad = { kind: 'stop', drainMs }
    this.#child.send(stop)
    const limit = new Promise<never>((_, reject) => {
      const late = (): void => reject(new Error('the load does not stop'))
      setTimeout(late, drainMs + STOP_GRACE_MS).unref()
    })
    const last = await Promise.race([stopped, this.#ended, limit])
    if (this.#child.connected) this.#child.disconnect()
    await leaveChild(this.#child)
    return last
  }
}
