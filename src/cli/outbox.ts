/**
 * Sends messages through the producer, many under way at once, and keeps account of what came of each.
 *
 * What is under way is bounded in number and bytes: who adds waits for room() first. Messages of one partition are stored in the
 * order of their calls. After the first failure nothing more is taken; what is under way by then is waited for,
 * so that the account is whole: each message added is acknowledged or failed.
 */
import type { Delivery, Message, Producer } from '../client/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import { MiB } from '../kernel/units.ts'

const MESSAGES_MAX = 10_000
const BYTES_MAX = 16 * MiB

export interface PartitionTally {
  /** Undefined where nobody was told: `acks` none. */
  first?: number
  last?: number
  count: number
}

interface Posted {
  /** From 0, in the order of the calls. */
  readonly ordinal: number
  /** Where the message stood; undefined where it is the only one. */
  readonly line: number | undefined
  readonly bytes: number
}

export interface OutboxEvents {
  /** Nothing is under way any more. */
  onQuiet?(): void
  /** Nothing more is taken. */
  onFailed?(): void
}

export class Outbox {
  acknowledged = 0
  acknowledgedBytes = 0
  durability: Delivery['durability'] | undefined
  /** What went where, by partition. */
  readonly partitions = new Map<number, PartitionTally>()
  /** How many of them are kept until their time. */
  delayed = 0
  /** When the last of those is delivered. */
  deliverAt: number | undefined
  readonly #producer: Pick<Producer, 'send'>
  readonly #events: OutboxEvents
  #added = 0
  #underWay = 0
  #bytesUnderWay = 0
  /** What failed with the first error: one message, or the batch it was in. */
  #failed: Posted[] = []
  #error: unknown
  #firstFailed: Posted | undefined
  #wake: (() => void) | undefined

  constructor(producer: Pick<Producer, 'send'>, events: OutboxEvents = {}) {
    this.#producer = producer
    this.#events = events
  }

  /** Nothing is under way. */
  get isQuiet(): boolean {
    return this.#underWay === 0
  }

  /** True where {@link add} need not wait. */
  hasRoom(bytes: number): boolean {
    if (this.#underWay === 0) return true
    return this.#underWay < MESSAGES_MAX && this.#bytesUnderWay + bytes <= BYTES_MAX
  }

  /** Resolves when there is room for a message of so many bytes. */
  async room(bytes: number): Promise<void> {
    while (!this.hasRoom(bytes)) await this.#settledOne()
  }

  /** Sends a message, for which there is room. Throws the first failure. `bytes`: its share of the input. */
  add(message: Message, bytes: number, line?: number): void {
    this.#throwFailure()
    const posted = { ordinal: this.#added, line, bytes }
    this.#added += 1
    this.#underWay += 1
    this.#bytesUnderWay += bytes
    void this.#producer.send(message).then(
      (delivery) => this.#delivered(posted, delivery),
      (error: unknown) => this.#refused(posted, error),
    )
  }

  /** Resolves when everything added was acknowledged; rejects with the first failure, when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#underWay > 0) await this.#settledOne()
    this.#throwFailure()
  }

  /** How far it came, for people; true once everything is settled. */
  get account(): string {
    const acknowledged = this.acknowledged.toLocaleString('en-US')
    const plural = this.acknowledged === 1 ? '' : 's'
    const first = this.#firstFailed
    if (first?.line === undefined) return `${acknowledged} message${plural} published before this:`
    const behind = this.acknowledged - first.ordinal
    const more = behind === 0 ? '' : `, ${behind.toLocaleString('en-US')} of those behind it were`
    const verb = this.acknowledged === 1 ? 'was' : 'were'
    return `${acknowledged} message${plural} ${verb} acknowledged; line ${first.line} is the first that was not${more}`
  }

  #settledOne(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #delivered(posted: Posted, { partition, offset, durability, deliverAt }: Delivery): void {
    this.acknowledged += 1
    this.acknowledgedBytes += posted.bytes
    this.durability = durability
    if (deliverAt !== undefined) {
      this.delayed += 1
      this.deliverAt = deliverAt
    }
    const tally = this.partitions.get(partition)
    if (tally === undefined) {
      const place = offset < 0 ? {} : { first: offset, last: offset }
      this.partitions.set(partition, { ...place, count: 1 })
    } else {
      tally.count += 1
      if (offset >= 0) tally.last = offset
    }
    this.#settle(posted)
  }

  #refused(posted: Posted, error: unknown): void {
    const isFirst = this.#failed.length === 0
    if (isFirst) this.#error = error
    // A batch that is refused fails all of its messages with one error.
    if (error === this.#error) this.#failed.push(posted)
    if (posted.ordinal < (this.#firstFailed?.ordinal ?? Number.POSITIVE_INFINITY)) {
      this.#firstFailed = posted
    }
    if (isFirst) this.#events.onFailed?.()
    this.#settle(posted)
  }

  #settle({ bytes }: Posted): void {
    this.#underWay -= 1
    this.#bytesUnderWay -= bytes
    this.#wake?.()
    if (this.#underWay === 0) this.#events.onQuiet?.()
  }

  #throwFailure(): void {
    if (this.#failed.length > 0) throw withLine(this.#error, this.#failed)
  }
}

/** The error with the line that it is about, as far as that is known. */
function withLine(error: unknown, failed: readonly Posted[]): unknown {
  if (!(error instanceof BrokerError)) return error
  const field = Object.keys(error.fields ?? {}).find((name) => /^messages\[\d+\]$/.test(name))
  const index = field === undefined ? 0 : Number(field.slice('messages['.length, -1))
  const line = failed[index]?.line
  const isAboutOne = field !== undefined || failed.length === 1
  if (line === undefined || !isAboutOne) return error
  const text = (error.fields?.[field ?? ''] ?? error.message).replace(/^record \d+ of/, 'record of')
  return new BrokerError(error.code, `line ${line}: ${text}`, { cause: error })
}
