/** Starts the thread that renews leases, and hears what it says. */
import { Worker as Thread } from 'node:worker_threads'
import type { Access } from '../connection.ts'
import { LeaseTable, SLOT, SLOT_FLOATS, SLOT_WORDS, STATE_BITS } from './leaseTable.ts'
import { type RenewalInput, type RenewalNews, RenewalThread } from './renewalThread.ts'

export interface LeaseKeeperOptions {
  readonly url: string
  readonly access?: Access | undefined
  readonly group: string
  readonly topics: readonly string[]
  readonly slots: number
  readonly leaseMs: number
  readonly maxRuntimeMs: number
  /** Silence that ends the membership: renewals come often enough to be its heartbeat. */
  readonly sessionTimeoutMs: number
  readonly onNews: (news: RenewalNews) => void
}

/** `__name` is what some compilers put into classes, and what a thread made of a text does not have. */
const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads')
const __name = (value) => value
const Thread = ${RenewalThread.toString()}
new Thread(workerData, (news) => parentPort.postMessage(news)).run()
`

/** Parts of a lease: renewed at a third of it, looked at twice as often. */
const RENEWALS_PER_LEASE = 3
const LOOKS_PER_RENEWAL = 2
const LOOKS_PER_RUNTIME = 10
const TICK_MS_MIN = 5
const TICK_MS_MAX = 1000
const WARM_UP_MS = 1000
const RECEIPTS_OF_A_REQUEST = 1000

export class LeaseKeeper {
  readonly table: LeaseTable
  readonly #input: RenewalInput
  readonly #onNews: (news: RenewalNews) => void
  #thread: Thread | undefined

  constructor(options: LeaseKeeperOptions) {
    const { url, access, group, topics, slots, leaseMs, maxRuntimeMs, sessionTimeoutMs } = options
    this.#onNews = options.onNews
    this.table = new LeaseTable(slots)
    const renewAfterMs = Math.min(leaseMs, sessionTimeoutMs) / RENEWALS_PER_LEASE
    const tickMs = Math.min(renewAfterMs / LOOKS_PER_RENEWAL, maxRuntimeMs / LOOKS_PER_RUNTIME)
    this.#input = {
      url,
      apiKey: access?.apiKey,
      ca: access?.ca,
      group,
      topics,
      slots,
      leaseMs,
      renewAfterMs,
      maxRuntimeMs,
      memory: this.table.memory,
      layout: { words: SLOT_WORDS, floats: SLOT_FLOATS, stateBits: STATE_BITS },
      states: SLOT,
      tickMs: Math.min(Math.max(tickMs, TICK_MS_MIN), TICK_MS_MAX),
      requestTimeoutMs: Math.max(leaseMs, TICK_MS_MAX),
      warmUpMs: WARM_UP_MS,
      receiptsMax: RECEIPTS_OF_A_REQUEST,
    }
  }

  /** Resolves when the thread is at work: from then on no blocked event loop can keep it from its work. */
  async start(): Promise<void> {
    const thread = new Thread(SOURCE, { eval: true, workerData: this.#input, execArgv: [] })
    this.#thread = thread
    await readiness(thread)
    thread.on('message', this.#onNews)
    thread.on('error', (error) => {
      this.#onNews({ kind: 'trouble', message: `the thread that renews leases broke: ${error}` })
    })
    thread.on('exit', () => {
      if (this.#thread === thread) this.#restart()
    })
  }

  /** Resolves when the thread has ended. */
  async stop(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    await thread?.terminate()
  }

  #restart(): void {
    this.start().catch((error: unknown) => {
      this.#onNews({ kind: 'trouble', message: `leases are not renewed any more: ${error}` })
    })
  }
}

/** Resolves at the thread's first word. Rejects where it ends without one. */
function readiness(thread: Thread): Promise<void> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number): void =>
      reject(new Error(`the thread that renews leases ended with ${code} before it began`))
    thread.once('error', reject)
    thread.once('exit', onExit)
    thread.once('message', () => {
      thread.off('error', reject)
      thread.off('exit', onExit)
      resolve()
    })
  })
}
