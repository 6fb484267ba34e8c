/** `kill -9` of the real daemon in the midst of its work, life after life on the same data directory. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { WIRE_BATCH_CONTENT_TYPE } from '../../src/record/index.ts'
import {
  type Exit,
  startDaemon,
  startGoqueue,
  type TestDaemon,
  temporaryDirectory,
} from '../support/daemon.ts'
import { baseSeed, SeededRandom } from '../support/random.ts'
import { Account } from './support/account.ts'
import { Committer } from './support/committer.ts'
import { type Manner, PARTITIONS, TOPIC, Writer } from './support/writer.ts'

/** Directories with a daemon each, beside each other: much of a life is waiting. */
const WORLDS = 2
/** Kills under load (GOQUEUE_KILLS for more), and kills while it starts; of all directories together. */
const KILLS = Number(process.env['GOQUEUE_KILLS'] ?? 44)
const KILLS_AT_START = 8
const CLEAN_STOPS = 4
/** Small, so that a life begins several. */
const SEGMENT_BYTES = 128 * 1024
const LIVES_OF_A_CHECK = 10
const ANSWERS_OF_A_LIFE_MAX = 50

const MANNERS: readonly Manner[] = [
  { form: 'json', acks: 'leader', recordsMax: 1, spread: false },
  { form: 'json', acks: 'all', recordsMax: 1, spread: false },
  { form: 'json', acks: 'leader', recordsMax: 40, spread: false },
  { form: 'json', acks: 'all', recordsMax: 10, spread: true },
  { form: 'raw', acks: 'leader', recordsMax: 50, spread: false },
  { form: 'raw', acks: 'all', recordsMax: 50, spread: false },
  { form: 'raw', acks: 'leader', recordsMax: 3, spread: false },
  { form: 'raw', acks: 'all', recordsMax: 3, spread: false },
]

async function createTopic({ url }: TestDaemon): Promise<void> {
  const response = await fetch(`${url}/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      name: TOPIC,
      num_partitions: PARTITIONS,
      config: { segment_bytes: SEGMENT_BYTES },
    }),
  })
  expect(response.status).toBe(201)
}

/** What lies in the partition from `start` on. */
async function readRaw({ url }: TestDaemon, partition: number, start: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let offset = start; ; ) {
    const path = `/topics/${TOPIC}/partitions/${partition}/messages?offset=${offset}&limit=10000`
    const response = await fetch(url + path, { headers: { accept: WIRE_BATCH_CONTENT_TYPE } })
    expect(response.status).toBe(200)
    const next = Number(response.headers.get('x-goqueue-next-offset'))
    parts.push(Buffer.from(await response.arrayBuffer()))
    if (next <= offset) return Buffer.concat(parts)
    offset = next
  }
}

interface Clients {
  readonly writers: readonly Writer[]
  readonly committer: Committer
}

/** Lets the clients work and ends the daemon after some answers. */
async function live(
  daemon: TestDaemon,
  { writers, committer }: Clients,
  answers: number,
  end: (daemon: TestDaemon) => Promise<Exit>,
): Promise<Exit> {
  let left = answers
  let ending: Promise<Exit> | undefined
  const onAnswer = (): void => {
    left -= 1
    if (left <= 0) ending ??= end(daemon)
  }
  const working = writers.map((writer) => writer.run(daemon.url, onAnswer))
  await Promise.all([...working, committer.run(daemon.url)])
  if (ending === undefined) throw new Error('the daemon went by itself')
  return await ending
}

/** Starts it and kills it a moment later, whatever it is doing by then. */
async function killAtStart(dataDir: string, random: SeededRandom): Promise<void> {
  const command = startGoqueue(['serve', '--port', '0', '--data-dir', dataDir])
  const timer = setTimeout(() => command.process.kill('SIGKILL'), random.int(700))
  await command.exit
  clearTimeout(timer)
}

/** Life after life of one directory, from one seed. */
async function liveAndDie(seed: number): Promise<void> {
  const random = new SeededRandom(seed)
  const account = new Account()
  const writers = MANNERS.map(
    (manner, id) => new Writer({ id, manner, account, random: random.fork() }),
  )
  const committer = new Committer()
  const dataDir = await temporaryDirectory()
  const ends = shuffled(random, [
    ...Array.from({ length: KILLS / WORLDS }, () => 'kill' as const),
    ...Array.from({ length: KILLS_AT_START / WORLDS }, () => 'killAtStart' as const),
    ...Array.from({ length: CLEAN_STOPS / WORLDS }, () => 'stop' as const),
  ])
  const check = async (daemon: TestDaemon): Promise<void> => {
    for (let p = 0; p < PARTITIONS; p += 1) {
      account.check(p, await readRaw(daemon, p, account.checkedUpTo(p)))
    }
  }

  const first = await startDaemon({ dataDir })
  await createTopic(first)
  await first.kill()
  for (const [life, end] of ends.entries()) {
    // What is new after each life, everything now and then.
    if (life % LIVES_OF_A_CHECK === 0) account.startAgain()
    if (end === 'killAtStart') {
      await killAtStart(dataDir, random)
      continue
    }
    const daemon = await startDaemon({ dataDir })
    await check(daemon)
    const answers = random.between(1, ANSWERS_OF_A_LIFE_MAX)
    await committer.begin(daemon.url)
    const exit = await live(daemon, { writers, committer }, answers, (each) =>
      end === 'kill' ? each.kill() : each.stop(),
    )
    expect(exit).toMatchObject(end === 'kill' ? { signal: 'SIGKILL' } : { code: 0 })
  }
  const last = await startDaemon({ dataDir })
  account.startAgain()
  await check(last)
  await committer.begin(last.url)
  expect(committer.commits).toBeGreaterThan(KILLS / WORLDS)
  expect(account.acknowledged).toBeGreaterThan((KILLS / WORLDS) * 10)
  await last.stop()
}

describe('daemon', () => {
  test('killed again and again: nothing acknowledged is lost, doubled, torn or out of order', async () => {
    const seed = baseSeed()
    onTestFinished(({ task }) => {
      if (task.result?.state === 'fail') process.stderr.write(`GOQUEUE_SEED=${seed}\n`)
    })
    await Promise.all(Array.from({ length: WORLDS }, (_, world) => liveAndDie(seed + world)))
  }, 600_000)
})

function shuffled<T>(random: SeededRandom, items: readonly T[]): T[] {
  const left = [...items]
  return Array.from(items, () => left.splice(random.int(left.length), 1)[0] as T)
}
