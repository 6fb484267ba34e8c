/** A process that takes jobs over its channel: the client, or the in-process turns. */
import type { ChildProcess } from 'node:child_process'
import { built } from './build.ts'
import { leaveChild, startNode } from './children.ts'

interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

interface JobTable {
  readonly [kind: string]: { readonly job: { readonly kind: string }; readonly result: unknown }
}

export interface WorkerOptions {
  /** The compiled script below `bench/`. */
  readonly script: string
  readonly nodeFlags?: readonly string[]
}

/** `T` maps the kinds of its jobs to job and result. */
export class Worker<T extends { [K in keyof T]: JobTable[string] }> {
  readonly #child: ChildProcess
  #lastId = 0

  constructor(options: WorkerOptions) {
    this.#child = startNode({
      script: built(options.script),
      args: [],
      channel: true,
      env: { UV_THREADPOOL_SIZE: '16' },
      ...(options.nodeFlags === undefined ? {} : { nodeFlags: options.nodeFlags }),
    })
    this.#child.setMaxListeners(0)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Rejects with what the job threw, with the end of the process, or when `limitMs` is over. */
  run<K extends keyof T & string>(
    job: T[K]['job'] & { kind: K },
    limitMs: number,
  ): Promise<T[K]['result']> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        this.#child.off('message', listen)
        this.#child.off('exit', ended)
        act()
      }
      const listen = (reply: Reply): void => {
        if (reply.id !== id) return
        const { error } = reply
        if (error !== undefined) settle(() => reject(new Error(error)))
        else settle(() => resolve(reply.result as T[K]['result']))
      }
      const ended = (): void =>
        settle(() => reject(new Error(`the process of ${job.kind} ended before its answer`)))
      const timer = setTimeout(
        () => settle(() => reject(new Error(`${job.kind} took more than ${limitMs} ms`))),
        limitMs,
      )
      this.#child.on('message', listen)
      this.#child.on('exit', ended)
      this.#child.send({ id, job })
    })
  }

  /** Ends its channel, on which it goes by itself (and leaves its profile), or is killed. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await leaveChild(this.#child)
  }
}
