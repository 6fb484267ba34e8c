/**
 * Open loop: messages are due at fixed times whatever the server does, and each is timed from the moment it was
 * due, not from when it could be sent. A server that stalls is charged for everything that came due meanwhile
 * (no coordinated omission).
 *
 * One message a request, over a pool of connections (what is due waits when all are busy); one reader long-polls
 * at the tail. A message's value opens with its number, from which the reader knows when it was due:
 *
 *   "#000000000042 …"   due at start + 42 × interval
 *
 * The sender looks at the clock all the time; see everyTurn.ts.
 */
import { percentile } from '../support/statistics.ts'
import { LeanConnection } from './connection.ts'
import { everyTurn } from './everyTurn.ts'
import { type Busy, meterBusy } from './processor.ts'
import { publishRequest, readRequest, textOf } from './requests.ts'
import { freshTopic, storedMessages } from './topic.ts'

export interface OpenLoopJob {
  readonly kind: 'open-loop'
  readonly port: number
  readonly serverPid: number
  readonly ratePerSecond: number
  readonly connections: number
  readonly valueBytes: number
  readonly acks: 'leader' | 'all'
  readonly warmupMs: number
  readonly turnMs: number
  /** True looks at the clock without a pause; false sleeps a millisecond, for long runs that are not timed. */
  readonly exact: boolean
}

export interface OpenLoopResult {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  /** From due to the publisher's own reply. */
  readonly replyP50Ms: number
  readonly replyP99Ms: number
  readonly clientBusy: number
  readonly serverBusy: number
}

const NUMBER_DIGITS = 12
const MARK = Buffer.from('"#')
const NEXT_OFFSET = /"next_offset": ?(\d+)/
const READ_LIMIT = 10_000
const POLL_MS = 20_000
/** How long after the last due time the last message may take. */
const DRAIN_MS = 10_000

/** A publish whose message number is written into the bytes in place. */
class NumberedRequest {
  readonly bytes: Buffer
  readonly #at: number
  number = -1

  constructor(valueBytes: number, acks: 'leader' | 'all') {
    const template = publishRequest({ format: 'json', batch: 1, valueBytes, acks }, 0).toString()
    const text = textOf(valueBytes, 0)
    const numbered = `#${'0'.repeat(NUMBER_DIGITS)}${text.slice(NUMBER_DIGITS + 1)}`
    this.bytes = Buffer.from(template.replace(JSON.stringify(text), JSON.stringify(numbered)))
    this.#at = this.bytes.indexOf(MARK) + MARK.length
  }

  numbered(number: number): Buffer {
    this.number = number
    let rest = number
    for (let i = this.#at + NUMBER_DIGITS - 1; i >= this.#at; i -= 1) {
      this.bytes[i] = 48 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    return this.bytes
  }
}

export interface Schedule {
  readonly startMs: number
  readonly intervalMs: number
  readonly count: number
  /** Messages below this number are warm-up. */
  readonly firstCounted: number
}

/** When each message was received (or answered), as milliseconds after it was due. */
export class Lateness {
  readonly ms: Float64Array
  readonly #schedule: Schedule
  received = 0

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    this.ms = new Float64Array(schedule.count).fill(Number.NaN)
  }

  note(number: number, nowMs: number): void {
    if (!Number.isNaN(this.ms[number] ?? 0)) throw new Error(`message ${number} received twice`)
    this.ms[number] = nowMs - (this.#schedule.startMs + number * this.#schedule.intervalMs)
    this.received += 1
  }

  counted(): Float64Array {
    return this.ms.slice(this.#schedule.firstCounted).sort()
  }
}

/** Notes every message of a reply; the reader is done when it has seen them all. */
function noteMessages(body: Buffer, lateness: Lateness): void {
  const nowMs = performance.now()
  for (let at = body.indexOf(MARK); at !== -1; at = body.indexOf(MARK, at + NUMBER_DIGITS)) {
    const start = at + MARK.length
    lateness.note(Number(body.toString('latin1', start, start + NUMBER_DIGITS)), nowMs)
  }
}

function nextOffset(body: Buffer): number {
  const tail = body.toString('latin1', Math.max(0, body.length - 120))
  const found = NEXT_OFFSET.exec(tail) ?? NEXT_OFFSET.exec(body.toString('latin1'))
  if (found === null) throw new Error(`no next_offset in ${tail}`)
  return Number(found[1])
}

interface Reader {
  /** Resolves when every message was received; rejects with what went wrong. */
  readonly done: Promise<void>
  close(): void
}

async function startReader(job: OpenLoopJob, lateness: Lateness): Promise<Reader> {
  let finish: () => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const done = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  done.catch(() => undefined)
  const poll = (offset: number): void =>
    connection.send(readRequest({ format: 'json', offset, limit: READ_LIMIT, timeoutMs: POLL_MS }))
  const connection = await LeanConnection.open({
    port: job.port,
    receiveBytes: 1 << 20,
    onFailure: fail,
    onResponse: (status, body) => {
      try {
        if (status !== 200) throw new Error(`read: status ${status}: ${body.toString()}`)
        noteMessages(body, lateness)
        if (lateness.received === lateness.ms.length) finish()
        else poll(nextOffset(body))
      } catch (error) {
        fail(error)
      }
    },
  })
  poll(0)
  return { done, close: () => connection.close() }
}

class Senders {
  readonly #free: Sender[] = []
  readonly #all: Sender[] = []

  static async open(job: OpenLoopJob, answered: Lateness, fail: (error: Error) => void) {
    const senders = new Senders()
    for (let i = 0; i < job.connections; i += 1) {
      const sender: Sender = {
        request: new NumberedRequest(job.valueBytes, job.acks),
        connection: await LeanConnection.open({
          port: job.port,
          onFailure: fail,
          onResponse: (status, body) => {
            if (status !== 200) fail(new Error(`publish: status ${status}: ${body.toString()}`))
            answered.note(sender.request.number, performance.now())
            senders.#free.push(sender)
          },
        }),
      }
      senders.#all.push(sender)
      senders.#free.push(sender)
    }
    return senders
  }

  /** Sends the message if a connection is free. */
  send(number: number): boolean {
    const sender = this.#free.pop()
    if (sender === undefined) return false
    sender.connection.send(sender.request.numbered(number))
    return true
  }

  close(): void {
    for (const sender of this.#all) sender.connection.close()
  }
}

interface Sender {
  readonly request: NumberedRequest
  readonly connection: LeanConnection
}

interface Sending {
  readonly exact: boolean
  readonly stopped: () => boolean
}

/** Calls `turn` until it returns false. */
function eachMillisecond(turn: () => boolean): void {
  if (turn()) setTimeout(() => eachMillisecond(turn), 1)
}

/** Sends each message when it is due, or as soon after as a connection is free. */
function sendOnSchedule(schedule: Schedule, senders: Senders, sending: Sending): void {
  let next = 0
  const turn = (): boolean => {
    const nowMs = performance.now()
    while (next < schedule.count && schedule.startMs + next * schedule.intervalMs <= nowMs) {
      if (!senders.send(next)) break
      next += 1
    }
    return next < schedule.count && !sending.stopped()
  }
  if (sending.exact) everyTurn(turn)
  else eachMillisecond(turn)
}

export async function runOpenLoop(job: OpenLoopJob): Promise<OpenLoopResult> {
  await freshTopic(job.port)
  const schedule: Schedule = {
    startMs: performance.now() + 50,
    intervalMs: 1_000 / job.ratePerSecond,
    count: Math.round(((job.warmupMs + job.turnMs) * job.ratePerSecond) / 1_000),
    firstCounted: Math.round((job.warmupMs * job.ratePerSecond) / 1_000),
  }
  const received = new Lateness(schedule)
  const answered = new Lateness(schedule)
  let failed: (error: Error) => void = () => {}
  const failure = new Promise<never>((_, reject) => {
    failed = reject
  })
  // Whoever awaits it hears of it; it may fail before anybody does.
  failure.catch(() => undefined)
  const reader = await startReader(job, received)
  const senders = await Senders.open(job, answered, failed)
  const deadline = setTimeout(
    () => failed(new Error(`${received.received} of ${schedule.count} messages received`)),
    job.warmupMs + job.turnMs + DRAIN_MS,
  )
  let over = false
  const meter = meterBusy(job.serverPid)
  try {
    sendOnSchedule(schedule, senders, { exact: job.exact, stopped: () => over })
    await Promise.race([reader.done, failure])
    const stored = await storedMessages(job.port)
    if (stored !== schedule.count) throw new Error(`${schedule.count} sent, ${stored} stored`)
    return summary(received, answered, meter.read())
  } finally {
    over = true
    clearTimeout(deadline)
    reader.close()
    senders.close()
  }
}

/** Percentiles of the turn; `answered` may have gaps. */
export function summary(received: Lateness, answered: Lateness, busy: Busy): OpenLoopResult {
  const sorted = received.counted()
  const replies = answered.counted().filter((ms) => !Number.isNaN(ms))
  return {
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    p999Ms: percentile(sorted, 0.999),
    maxMs: percentile(sorted, 1),
    replyP50Ms: percentile(replies, 0.5),
    replyP99Ms: percentile(replies, 0.99),
    clientBusy: busy.client,
    serverBusy: busy.server,
  }
}
