/**
 * Clients of delayed messages that note what they were told, and the topic held against it. A message's value is its
 * number; what was not answered may have happened, or not.
 */
import {
  BatchBuilder,
  decodeRecords,
  encodeWireBatch,
  WIRE_BATCH_CONTENT_TYPE,
} from '../../../src/record/index.ts'
import type { SeededRandom } from '../../support/random.ts'

export const PARTITIONS = 3
export const TOPIC = 'reminders'
const RECORDS_MAX = 40
const DELAY_MS_MAX = 2500

interface Sent {
  readonly number: number
  readonly partition: number
  /** Undefined until its schedule was answered. */
  offset: number | undefined
  /** Times it may be due at. */
  readonly due: number[]
  cancelled: 'no' | 'maybe' | 'yes'
}

export class DelayAccount {
  readonly #sent: Sent[] = []
  readonly tally = { scheduled: 0, cancelled: 0, rescheduled: 0, tooLate: 0, delivered: 0 }

  new(partition: number, dueMs: number): Sent {
    const number = this.#sent.length
    const sent: Sent = {
      ...{ number, partition, offset: undefined, due: [dueMs], cancelled: 'maybe' },
    }
    this.#sent.push(sent)
    return sent
  }

  /** One whose schedule was answered, and that nobody else changes. */
  pick(random: SeededRandom): Sent | undefined {
    // Of the newest: those that are delivered already say little.
    const newest = this.#sent.slice(-400).filter(({ offset, cancelled }) => {
      return offset !== undefined && cancelled === 'no'
    })
    return newest.length === 0 ? undefined : random.pick(newest)
  }

  /** Throws where `records` of `partition`, all there are, are not what was promised. */
  check(partition: number, bytes: Buffer, isOver: boolean): void {
    const there = new Set<number>()
    for (const { value, timestampMs, offset } of decodeRecords(bytes)) {
      const number = Number.parseInt(String(value), 10)
      const sent = this.#sent[number]
      const what = `message ${number} at ${partition}:${offset}`
      if (sent?.partition !== partition) throw new Error(`NothingInvented: ${what}`)
      if (there.has(number)) throw new Error(`NothingTwice: ${what}`)
      there.add(number)
      if (sent.cancelled === 'yes') throw new Error(`CancelledNeverComes: ${what}`)
      const earlyMs = Math.min(...sent.due) - timestampMs
      if (earlyMs > 0) throw new Error(`NeverEarly: ${what}, by ${earlyMs} ms`)
    }
    if (!isOver) return
    this.tally.delivered += there.size
    const lost = this.#sent.find(
      (sent) => sent.partition === partition && sent.cancelled === 'no' && !there.has(sent.number),
    )
    if (lost !== undefined) throw new Error(`NothingIsLost: ${JSON.stringify(lost)}`)
  }
}

export interface DelayClientOptions {
  readonly url: string
  readonly account: DelayAccount
  readonly random: SeededRandom
  /** Told of each answer. */
  readonly onAnswer: () => void
}

/** Schedules, cancels and puts off until the daemon is gone. */
export async function runDelayClient(options: DelayClientOptions): Promise<void> {
  const { account, random, onAnswer } = options
  for (;;) {
    const other = random.chance(0.4) ? account.pick(random) : undefined
    const isAnswered =
      other === undefined
        ? await schedule(options)
        : random.chance(0.5)
          ? await cancel(options, other)
          : await reschedule(options, other)
    if (!isAnswered) return
    onAnswer()
  }
}

async function schedule({ url, account, random }: DelayClientOptions): Promise<boolean> {
  const partition = random.int(PARTITIONS)
  const sent = Array.from({ length: random.between(1, RECORDS_MAX) }, () =>
    account.new(partition, Date.now() + random.int(random.pick([20, DELAY_MS_MAX]))),
  )
  const isRaw = random.chance(0.5)
  const query = isRaw ? `?partition=${partition}&delayed=true` : ''
  const reply = await ask(`${url}/topics/${TOPIC}/messages${query}`, 'POST', {
    type: isRaw ? WIRE_BATCH_CONTENT_TYPE : 'application/json',
    body: isRaw ? rawBody(sent, random) : jsonBody(sent),
  })
  if (reply === undefined) return false
  const results = reply.json['results'] as { offset: number; delayed?: boolean }[]
  for (const [i, each] of sent.entries()) {
    each.cancelled = 'no'
    const result = isRaw ? results[0] : results[i]
    // What was due when it arrived went at once, and has no handle.
    if (result?.delayed !== true) continue
    each.offset = result.offset + (isRaw ? i : 0)
    account.tally.scheduled += 1
  }
  return true
}

async function cancel({ url, account }: DelayClientOptions, sent: Sent): Promise<boolean> {
  sent.cancelled = 'maybe'
  const reply = await ask(placeOf(url, sent), 'DELETE')
  if (reply === undefined) return false
  sent.cancelled = reply.status === 200 ? 'yes' : 'no'
  account.tally[reply.status === 200 ? 'cancelled' : 'tooLate'] += 1
  return true
}

async function reschedule(
  { url, account, random }: DelayClientOptions,
  sent: Sent,
): Promise<boolean> {
  const dueMs = Date.now() + random.int(DELAY_MS_MAX)
  sent.due.push(dueMs)
  const body = JSON.stringify({ deliverAt: new Date(dueMs).toISOString() })
  const reply = await ask(placeOf(url, sent), 'PATCH', { type: 'application/json', body })
  if (reply === undefined) return false
  account.tally[reply.status === 200 ? 'rescheduled' : 'tooLate'] += 1
  return true
}

const placeOf = (url: string, { partition, offset }: Sent): string =>
  `${url}/topics/${TOPIC}/delayed/${partition}/${offset}`

interface Body {
  readonly type: string
  readonly body: string | Uint8Array<ArrayBuffer>
}

interface Reply {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

const EXPECTED: ReadonlySet<number> = new Set([200, 404, 409])

/** Undefined where the daemon is gone. */
async function ask(url: string, method: string, sent?: Body): Promise<Reply | undefined> {
  try {
    const content = sent && { body: sent.body, headers: { 'content-type': sent.type } }
    const response = await fetch(url, { method, ...content })
    const json = (await response.json()) as Reply['json']
    if (EXPECTED.has(response.status)) return { status: response.status, json }
    throw new Error(`${method} ${url}: ${response.status} ${JSON.stringify(json)}`)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

const jsonBody = (sent: readonly Sent[]): string =>
  JSON.stringify({
    messages: sent.map(({ number, partition, due: [dueMs] }) => ({
      ...{ value: `${number} ${'.'.repeat(number % 50)}`, partition },
      deliverAt: new Date(dueMs ?? 0).toISOString(),
    })),
  })

function rawBody(sent: readonly Sent[], random: SeededRandom): Uint8Array<ArrayBuffer> {
  const builder = new BatchBuilder()
  for (const { number, partition, due } of sent) {
    const origin = { partition, offset: 0, dueMs: due[0] ?? 0 }
    builder.add({ value: `${number} ${'.'.repeat(random.int(200))}`, extension: { origin } })
  }
  return new Uint8Array(encodeWireBatch(builder.take()))
}
