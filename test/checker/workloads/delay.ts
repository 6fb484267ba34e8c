/** Messages for later: scheduled by a delay and by a time, put off, called back; and read as they come. */
import type { SeededRandom } from '../../support/random.ts'
import { checkDelays } from '../check/delays.ts'
import { pause, toldBy } from '../clients/http.ts'
import { Topic } from '../clients/topic.ts'
import type { Place } from '../history/operation.ts'
import { textOf } from '../history/values.ts'
import { REST_MS_MAX, type WorkContext, type Workload } from './workload.ts'

const NAME = 'delay'
const PARTITIONS = 2
const BATCH_MAX = 8
const DELAY_MS_MAX = 2500
const CLIENTS = 3
const READERS = 2
const PAUSE_MS_MAX = 40
/** Those that may still be changed. */
const OPEN_MAX = 60

interface Open extends Place {
  readonly id: string
}

export function delayWorkload(context: WorkContext): Workload {
  const { random } = context
  const topic = new Topic(context, { name: NAME, partitions: PARTITIONS })
  return {
    prepare: () => topic.create(),
    async run() {
      const clients = Array.from({ length: CLIENTS }, (_, i) =>
        schedule(context, `delay-${i}`, random.fork()),
      )
      const readers = Array.from({ length: READERS }, (_, i) =>
        follow(context, topic, { client: `delay-reader-${i}`, random: random.fork() }),
      )
      await Promise.all([...clients, ...readers])
    },
    async finish() {
      await allCame(context)
      await topic.readAll()
    },
    check: (history, terms) => checkDelays(history, NAME, terms),
  }
}

/** Each changes its own messages only, one change at a time. */
async function schedule(context: WorkContext, client: string, random: SeededRandom): Promise<void> {
  const open: Open[] = []
  for (let call = 0; !context.isOver(); call += 1) {
    if (open.length > 0 && random.chance(0.5)) {
      const one = open.splice(random.int(open.length), 1)[0]
      if (one !== undefined) await change(context, { client, random }, one)
    } else {
      const ids = Array.from(
        { length: random.between(1, BATCH_MAX) },
        (_, i) => `${client}:${call}:${i}`,
      )
      open.push(...(await send(context, { client, random }, ids)))
      open.splice(0, Math.max(0, open.length - OPEN_MAX))
    }
    await pause(random.int(PAUSE_MS_MAX))
  }
}

interface Scheduler {
  readonly client: string
  readonly random: SeededRandom
}

async function send(
  { http, history }: WorkContext,
  { client, random }: Scheduler,
  ids: readonly string[],
): Promise<Open[]> {
  const partition = random.int(PARTITIONS)
  const planned = ids.map((id) => {
    const delayMs = random.between(1, DELAY_MS_MAX)
    return { id, delayMs, isRelative: random.chance(0.5), dueMs: Date.now() + delayMs }
  })
  const messages = planned.map(({ id, delayMs, isRelative, dueMs }) => ({
    ...{ value: textOf(id), partition },
    ...(isRelative ? { delay: delayMs } : { deliverAt: new Date(dueMs).toISOString() }),
  }))
  const reply = await http.ask('POST', `/topics/${NAME}/messages`, { body: { messages } })
  const results = (reply.json['results'] ?? []) as Result[]
  for (const [i, { id, isRelative, dueMs }] of planned.entries()) {
    const { deliverAt } = results[i] ?? {}
    // Without an answer nobody knows what the broker's clock made of a delay.
    const due = isRelative ? (deliverAt === undefined ? 0 : Date.parse(deliverAt)) : dueMs
    history.record({ op: 'schedule', client, topic: NAME, id, due, ...toldBy(reply) })
  }
  return ids.flatMap((id, i) => {
    const { offset, delayed } = results[i] ?? {}
    return delayed === true && offset !== undefined ? [{ id, partition, offset }] : []
  })
}

interface Result {
  readonly offset?: number
  readonly delayed?: boolean
  readonly deliverAt?: string
}

async function change(
  { http, history }: WorkContext,
  { client, random }: Scheduler,
  { id, partition, offset }: Open,
): Promise<void> {
  const path = `/topics/${NAME}/delayed/${partition}/${offset}`
  if (random.chance(0.5)) {
    const reply = await http.ask('DELETE', path)
    history.record({ op: 'cancel', client, topic: NAME, id, ...toldBy(reply) })
    return
  }
  const due = Date.now() + random.int(DELAY_MS_MAX)
  const body = { deliverAt: new Date(due).toISOString() }
  const reply = await http.ask('PATCH', path, { body })
  history.record({ op: 'reschedule', client, topic: NAME, id, due, ...toldBy(reply) })
}

async function follow(
  { isOver }: WorkContext,
  topic: Topic,
  { client, random }: Scheduler,
): Promise<void> {
  const next = new Map<number, number>()
  while (!isOver()) {
    const partition = random.int(PARTITIONS)
    const offset = next.get(partition) ?? 0
    const at = await topic.read({ client, partition, offset, limit: 100, form: 'json' })
    next.set(partition, at ?? 0)
    await pause(random.int(20))
  }
}

/** Due later than that is not waited for: clocks that were ahead make such delays. In milliseconds. */
const SOON_MS = 5000

/** Resolves when nothing waits that is due soon, or nothing moves. */
async function allCame({ http }: WorkContext): Promise<void> {
  let last = ''
  let movedMs = performance.now()
  while (performance.now() - movedMs < REST_MS_MAX) {
    const reply = await http.ask('GET', `/topics/${NAME}/delayed?limit=1`)
    const [next] = (reply.json['messages'] ?? []) as { readonly deliver_at: string }[]
    const isIdle = next === undefined || Date.parse(next.deliver_at) > Date.now() + SOON_MS
    if (reply.outcome === 'ok' && isIdle) return
    if (JSON.stringify(next) !== last) movedMs = performance.now()
    last = JSON.stringify(next)
    await pause(50)
  }
}
