/**
 * What the clients of some logs do in one life, drawn from a seed: appends above all, many at once. Where the
 * disk is meant to fail, refusals are part of the day, and a log that takes no more writes is opened again.
 */
import { offset } from '../../../src/kernel/units.ts'
import { ACKS, type Acks, type PartitionLog } from '../../../src/log/index.ts'
import type { FakeClock } from '../../support/fakeClock.ts'
import type { SeededRandom } from '../../support/random.ts'
import type { Ledger, SentBatch } from './ledger.ts'

export interface OpenLog {
  readonly ledger: Ledger
  log: PartitionLog
  /** Opens it again after a close and holds it against its ledger. */
  readonly reopen: () => Promise<PartitionLog>
}

export interface WorkloadOptions {
  readonly random: SeededRandom
  readonly logs: readonly OpenLog[]
  readonly clock: FakeClock
  readonly isDown: () => boolean
  /** Ends the faults of the disk; given where there are any. */
  readonly calm?: (() => void) | undefined
  readonly steps?: number | undefined
}

type Action = (open: OpenLog) => Promise<void>

/** What a client may meet while the disk fails. */
const REFUSED = new Set(['DISK_FULL', 'TOO_MANY_FILES', 'STORAGE_ERROR'])
const FENCED = new Set(['LOG_FENCED', 'OUTCOME_UNKNOWN'])
const codeOf = (error: unknown): string => (error as { code?: string }).code ?? ''

export class Workload {
  readonly #options: WorkloadOptions
  readonly #random: SeededRandom
  #outstanding: Promise<void>[] = []
  #failure: Error | undefined
  /** Logs that take no more writes until they are opened again. */
  readonly #fenced = new Set<OpenLog>()
  /** How often the disk was felt. */
  refusals = 0
  readonly #actions: readonly (readonly [number, Action])[] = [
    [40, (open) => this.#appendSome(open, false)],
    [25, (open) => this.#appendSome(open, true)],
    [8, async () => this.#options.clock.advance(this.#random.int(1500))],
    [3, async () => this.#stepClock()],
    [8, (open) => this.#read(open)],
    [5, (open) => this.#sync(open)],
    [4, (open) => this.#truncate(open)],
    [3, (open) => this.#retain(open)],
    [3, (open) => this.#reopen(open)],
  ]

  constructor(options: WorkloadOptions) {
    this.#options = options
    this.#random = options.random
  }

  async run(): Promise<void> {
    const steps = this.#options.steps ?? this.#random.between(5, 30)
    for (let step = steps; step > 0 && !this.#options.isDown(); step -= 1) {
      const open = this.#random.pick(this.#options.logs)
      try {
        await this.#action()(open)
      } catch (error) {
        if (!this.#isTolerated(open, error)) throw error
      }
      this.#note()
      if (this.#failure) throw this.#failure
      for (const each of this.#fenced) await this.#openAgain(each)
    }
  }

  #isTolerated(open: OpenLog, error: unknown): boolean {
    const code = codeOf(error)
    if (this.#options.calm === undefined) return false
    if (FENCED.has(code)) this.#fenced.add(open)
    if (FENCED.has(code) || REFUSED.has(code)) this.refusals += 1
    return FENCED.has(code) || REFUSED.has(code)
  }

  /** What an operator does about a fenced log, once the disk is well again. */
  async #openAgain(open: OpenLog): Promise<void> {
    this.#options.calm?.()
    this.#fenced.delete(open)
    await open.log.close().catch(() => undefined)
    await this.#drain()
    this.#fenced.delete(open)
    open.log = await open.reopen()
  }

  async appendEverywhere(): Promise<void> {
    for (const open of this.#options.logs) {
      const { next } = open.log.offsets()
      await this.#append(open, 'all', 3)
      if (this.#failure) throw this.#failure
      const { answer } = open.ledger.batches().at(-1) ?? {}
      if (answer?.baseOffset !== next) {
        throw new Error(`LogAcceptsAppends: ${answer?.baseOffset} instead of ${next}`)
      }
    }
  }

  /** The engine was closed: everything that was taken is on disk, but of logs that were fenced unheard. */
  async closed(): Promise<void> {
    await this.#drain()
    if (this.#options.isDown()) return
    const isKnown = (batch: SentBatch): boolean =>
      this.#options.calm === undefined || batch.answer !== undefined
    for (const { ledger, log } of this.#options.logs) {
      const { durable, next } = log.offsets()
      if (durable === next) ledger.oweAll(ledger.batches().filter(isKnown))
    }
  }

  #note(): void {
    for (const { ledger, log } of this.#options.logs) ledger.note(log.offsets())
  }

  #action(): Action {
    let draw = this.#random.int(this.#actions.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, action] of this.#actions) {
      if (draw < weight) return action
      draw -= weight
    }
    throw new Error('the weights do not add up')
  }

  async #appendSome(open: OpenLog, wait: boolean): Promise<void> {
    const appends = Array.from({ length: this.#random.between(1, 5) }, () => {
      const to = this.#random.chance(0.7) ? open : this.#random.pick(this.#options.logs)
      return this.#append(to, this.#random.pick(this.#acks), this.#random.between(1, 6))
    })
    this.#outstanding.push(...appends)
    if (wait) await this.#drain()
    else if (this.#random.chance(0.7)) await new Promise<void>((done) => setImmediate(done))
  }

  /** What is refused without an answer cannot be told from what is lost. */
  get #acks(): readonly Acks[] {
    return this.#options.calm === undefined ? ACKS : ['leader', 'all']
  }

  async #append(open: OpenLog, acks: Acks, count: number): Promise<void> {
    const { ledger, log } = open
    const { sent, batch } = ledger.newBatch(this.#random, count)
    try {
      ledger.acknowledge(sent, acks, await log.append(batch, acks))
    } catch (error) {
      if (this.#options.isDown()) return
      sent.refused = REFUSED.has(codeOf(error))
      if (this.#isTolerated(open, error)) return
      this.#failure ??= new Error(`AppendsAreTaken: ${error}`, { cause: error })
    }
  }

  async #drain(): Promise<void> {
    const waiting = this.#outstanding
    this.#outstanding = []
    await Promise.all(waiting)
  }

  #stepClock(): void {
    const { clock } = this.#options
    clock.stepWallTo(clock.nowMs() + this.#random.int(20_000) - 15_000)
  }

  async #read({ ledger, log }: OpenLog): Promise<void> {
    const { start, next } = log.offsets()
    const from = this.#random.between(start, next)
    const limit = {
      maxBytes: this.#random.between(1, 4000),
      maxRecords: this.#random.between(1, 20),
    }
    const result = await log.read(offset(from), limit)
    for (const [index, record] of ledger.find(result.bytes).entries()) {
      if (record.batch === undefined || record.offset !== from + index) {
        throw new Error(`a reader met something strange at ${record.offset}`)
      }
    }
    if (from < next && result.count === 0) throw new Error(`a reader at ${from} got nothing`)
  }

  async #sync({ ledger, log }: OpenLog): Promise<void> {
    const before: SentBatch[] = ledger.batches().filter((batch) => batch.answer !== undefined)
    const { next } = log.offsets()
    await log.sync()
    ledger.oweAll(before)
    if (log.offsets().durable < next) throw new Error('a sync that did not reach what was written')
  }

  async #truncate({ ledger, log }: OpenLog): Promise<void> {
    const { start, next } = log.offsets()
    const before = this.#random.between(start, next)
    ledger.retire(before)
    const now = await log.truncateBefore(offset(before))
    if (now > before) throw new Error(`truncated up to ${now}, not ${before}`)
  }

  async #retain({ ledger, log }: OpenLog): Promise<void> {
    ledger.retire(log.offsets().next)
    const policy = this.#random.chance(0.5)
      ? { maxBytes: this.#random.between(1, 20_000) }
      : { maxAgeMs: this.#random.int(20_000) }
    await log.retain(policy)
  }

  async #reopen(open: OpenLog): Promise<void> {
    if (this.#options.calm !== undefined) return this.#openAgain(open)
    const { ledger, log } = open
    await log.close()
    await this.#drain()
    if (this.#options.isDown()) return
    const { durable, next } = log.offsets()
    if (durable < next) throw new Error(`CloseSyncs: ${durable} of ${next}`)
    ledger.oweAll(ledger.batches())
    open.log = await open.reopen()
  }
}
