/**
 * The places at which handlers work, and what waits for one.
 *
 * A message is covered by the lease table from its arrival to the end of its handler: in its lot's slot while it waits,
 * in one of its own while it is worked on. What the handler made of it counts only if the slot is still held then. A
 * handler whose lease is gone has left its place even where it does not heed its signal; as many more may run at most.
 *
 * What waits is begun with by lane, the most urgent first. The two lowest lanes may keep a share of the places only: slow
 * background work leaves some free for what is urgent.
 */
import type { LeasePart, SettleSaying } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { DAY_MS } from '../../kernel/units.ts'
import { recordLength, recordOffset } from '../../record/index.ts'
import { Reject, RetryLater, reasonOf } from './errors.ts'
import { Job } from './job.ts'
import { type HeldSlot, type LeaseTable, sharedNowMs } from './leaseTable.ts'
import { checkPart, isScattered, Lot } from './lot.ts'
import { isLow, LotQueue } from './lotQueue.ts'
import type { WorkerSettings, WorkerWarning } from './options.ts'
import type { RenewalNews } from './renewalThread.ts'
import type { Settlements } from './settlements.ts'

export interface PlacesHost {
  readonly settings: WorkerSettings
  readonly table: LeaseTable
  readonly settlements: Settlements
  /** A handler is done, or something that waited is gone. */
  moved(): void
  warn(code: WorkerWarning['code'], message: string, error?: BrokerError): void
}

const DELAY_MS_MAX = 7 * DAY_MS

export class Places {
  readonly #host: PlacesHost
  readonly #topics: ReadonlyMap<string, number>
  readonly #lots = new LotQueue()
  readonly #lowMax: number
  /** By slot. */
  readonly #jobs: (Job | undefined)[] = []
  #waiting = 0
  #running = 0
  /** Of these, with messages of the two lowest lanes. */
  #lowRunning = 0
  #abandoned = 0
  #isPumping = false
  #isClosed = false
  /** Handlers that ran too long, or whose message was somebody else's before they were done. */
  late = 0

  constructor(host: PlacesHost) {
    this.#host = host
    const { topics, lowLanesShareMax, concurrency } = host.settings
    this.#topics = new Map(topics.map((topic, i) => [topic, i]))
    this.#lowMax = Math.max(1, Math.floor(lowLanesShareMax * concurrency))
  }

  /** Messages that wait for a handler. */
  get waiting(): number {
    return this.#waiting
  }

  /** Handlers at work, abandoned ones not counted. */
  get running(): number {
    return this.#running
  }

  /** Takes what was leased and begins with it. Damaged parts are given back. */
  add(parts: readonly LeasePart[]): void {
    const nowMs = sharedNowMs()
    for (const part of parts) {
      const topic = this.#topics.get(part.topic)
      if (topic === undefined || !this.#isSound(part)) {
        this.#giveBack(part, part.offset)
        continue
      }
      this.#lots.push(new Lot(part, topic, this.#hold(part, topic, nowMs), nowMs))
      this.#waiting += part.count
    }
    this.#pump()
  }

  /** Begins with nothing more. */
  stop(): void {
    this.#isClosed = true
  }

  /** Gives back what no handler has seen. */
  giveBack(): void {
    for (const lot of this.#lots.takeAll()) {
      this.#giveBack(lot.part, lot.next)
      this.#free(lot)
    }
    this.#waiting = 0
  }

  /** The leases of what waits are gone. */
  dropWaiting(): void {
    for (const lot of this.#lots.takeAll()) this.#free(lot)
    this.#waiting = 0
    this.#host.moved()
  }

  /** Whatever handlers still do changes nothing any more. */
  abandonAll(reason: Error): void {
    for (const job of this.#jobs) if (job !== undefined) this.#abandon(job, reason)
  }

  /** What the thread says of leases. */
  heard({ kind, slot, version }: Extract<RenewalNews, { slot: number }>): void {
    const job = this.#jobs[slot]
    if (job?.held.version === version) {
      this.#abandon(job, this.#tooLate(job, kind))
      this.#pump()
      return
    }
    const lot = this.#lots.find((each) =>
      each.waitingHeld().some((held) => held.slot === slot && held.version === version),
    )
    if (lot !== undefined) this.#dropLot(lot)
  }

  /** One slot for all of it; for each record one where others lie between them. */
  #hold(part: LeasePart, topic: number, nowMs: number): HeldSlot[] {
    const { table } = this.#host
    if (!isScattered(part)) return [table.hold({ ...part, topic }, nowMs, 0)]
    const { partition, nonce, deliveryCount, bytes } = part
    const held: HeldSlot[] = []
    for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
      const offset = recordOffset(bytes, at)
      const range = { topic, partition, nonce, deliveryCount, offset, count: 1 }
      held.push(table.hold(range, nowMs, 0))
    }
    return held
  }

  #free(lot: Lot): void {
    for (const held of lot.waitingHeld()) this.#host.table.free(held)
  }

  #isSound(part: LeasePart): boolean {
    try {
      checkPart(part)
      return true
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#host.warn('CORRUPT_REPLY', error.message, error)
      return false
    }
  }

  /** Part of it may be ours still: that is not to wait for the end of its lease. */
  #dropLot(lot: Lot): void {
    this.#lots.remove(lot)
    this.#waiting -= lot.waiting
    this.#giveBack(lot.part, lot.next)
    this.#free(lot)
    const { topic, partition } = lot.part
    const name = `${topic}-${partition} from offset ${lot.next} on`
    this.#host.warn('LEASE_LOST', `${name} is somebody else's before a handler had it`)
    this.#host.moved()
  }

  #giveBack(part: LeasePart, from: number): void {
    const { topic, partition, nonce, deliveryCount, lane, nextOffset: to } = part
    if (from === to) return
    const range = { topic, partition, nonce, deliveryCount, lane, from, to }
    this.#host.settlements.say({ what: 'giveBack', ...range })
  }

  /** Begins with what waits as long as there is a place. Handlers that return at once are done in here. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    const { concurrency } = this.#host.settings
    while (
      this.#running < concurrency &&
      this.#running + this.#abandoned < 2 * concurrency &&
      !this.#isClosed
    ) {
      const lot = this.#lots.first(this.#lowRunning < this.#lowMax)
      if (lot === undefined) break
      if (this.#host.table.isHeld(lot.nextHeld)) this.#begin(lot)
      else this.#dropLot(lot)
    }
    this.#isPumping = false
    if (this.#running === 0 && this.#waiting === 0) this.#host.settlements.flush()
  }

  #begin(lot: Lot): void {
    const { table, settings } = this.#host
    const job = new Job(lot, this.#holdNext(lot))
    const message = lot.take(settings.group)
    if (!lot.isScattered) table.take(lot.nextHeld.slot, lot.taken)
    if (lot.waiting === 0) {
      this.#lots.remove(lot)
      this.#free(lot)
    }
    this.#waiting -= 1
    this.#count(lot, 1)
    this.#jobs[job.held.slot] = job
    try {
      const handled = settings.handler(message, job)
      if (isThenable(handled)) {
        handled.then(
          () => this.#done(job),
          (error: unknown) => this.#failed(job, error),
        )
      } else this.#done(job)
    } catch (error) {
      this.#failed(job, error)
    }
  }

  /** A slot for the lot's next message while it is worked on. */
  #holdNext(lot: Lot): HeldSlot {
    const { table } = this.#host
    if (lot.isScattered) {
      table.begin(lot.nextHeld.slot, sharedNowMs())
      return lot.nextHeld
    }
    const { partition, nonce, deliveryCount } = lot.part
    const range = { topic: lot.topic, partition, nonce, deliveryCount, offset: lot.next, count: 1 }
    return table.hold(range, lot.sinceMs, sharedNowMs())
  }

  /** A handler begins with a message of the lot (1), or has left its place (-1). */
  #count(lot: Lot, change: 1 | -1): void {
    this.#running += change
    if (isLow(lot)) this.#lowRunning += change
  }

  #done(job: Job): void {
    if (this.#leave(job)) this.#host.settlements.ack(job.lot, job.number)
    this.#moved()
  }

  #failed(job: Job, error: unknown): void {
    if (this.#leave(job)) this.#host.settlements.say(failureOf(job, error))
    this.#moved()
  }

  #moved(): void {
    this.#pump()
    this.#host.moved()
  }

  /** True where what the handler made of the message counts. */
  #leave(job: Job): boolean {
    if (job.isAbandoned) {
      this.#abandoned -= 1
      return false
    }
    this.#count(job.lot, -1)
    this.#jobs[job.held.slot] = undefined
    if (this.#host.table.free(job.held)) return true
    // The event loop was blocked, or the news of it would have been here first.
    this.#tooLate(job, 'lapsed')
    return false
  }

  #abandon(job: Job, reason: Error): void {
    this.#count(job.lot, -1)
    this.#abandoned += 1
    this.#jobs[job.held.slot] = undefined
    this.#host.table.free(job.held)
    job.abandon(reason)
    this.#host.moved()
  }

  #tooLate(job: Job, kind: 'lapsed' | 'lost'): BrokerError {
    const { maxRuntimeMs } = this.#host.settings
    this.late += 1
    const why =
      kind === 'lost'
        ? 'is somebody else’s before its handler was done'
        : `kept its handler longer than ${maxRuntimeMs} ms`
    const error = new BrokerError('LEASE_LOST', `${job.name} ${why}`)
    // The thread has said so too where nobody could hear it: once more does no harm.
    if (kind === 'lapsed') this.#host.settlements.say(failureOf(job, error))
    this.#host.warn(kind === 'lost' ? 'LEASE_LOST' : 'HANDLER_TOO_LONG', error.message, error)
    return error
  }
}

function failureOf(job: Job, error: unknown): SettleSaying {
  const { topic, partition, nonce, deliveryCount, lane } = job.lot.part
  const [from, to] = [job.offset, job.offset + 1]
  const range = { topic, partition, nonce, deliveryCount, lane, from, to }
  const reason = reasonOf(error)
  if (error instanceof Reject) return { what: 'reject', ...range, reason }
  if (!(error instanceof RetryLater)) return { what: 'nack', ...range, reason }
  const timeMs = Math.min(Math.max(0, Math.round(error.delayMs)), DELAY_MS_MAX)
  return { what: 'nack', ...range, reason, timeMs }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
