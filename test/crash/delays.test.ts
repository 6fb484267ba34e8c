/** `kill -9` of a daemon with delayed messages, again and again, while they are scheduled, changed and delivered. */
import { expect, onTestFinished, test } from 'vitest'
import { WIRE_BATCH_CONTENT_TYPE } from '../../src/record/index.ts'
import { type Exit, startDaemon, type TestDaemon, temporaryDirectory } from '../support/daemon.ts'
import { baseSeed, SeededRandom } from '../support/random.ts'
import { DelayAccount, PARTITIONS, runDelayClient, TOPIC } from './support/delayClients.ts'

/** GOQUEUE_KILLS=50 for more. */
const KILLS = Number(process.env['GOQUEUE_KILLS'] ?? 5)
const CLIENTS = 6
const ANSWERS_OF_A_LIFE_MAX = 250
/** Small, so that a life begins several, and retention has something to take. */
const SEGMENT_BYTES = 64 * 1024

async function readAll({ url }: TestDaemon, partition: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let offset = 0; ; ) {
    const path = `/topics/${TOPIC}/partitions/${partition}/messages?offset=${offset}&limit=10000`
    const response = await fetch(url + path, { headers: { accept: WIRE_BATCH_CONTENT_TYPE } })
    expect(response.status).toBe(200)
    const next = Number(response.headers.get('x-goqueue-next-offset'))
    parts.push(Buffer.from(await response.arrayBuffer()))
    if (next <= offset) return Buffer.concat(parts)
    offset = next
  }
}

async function check(daemon: TestDaemon, account: DelayAccount, isOver = false): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    account.check(partition, await readAll(daemon, partition), isOver)
  }
}

/** Lets the clients work, and kills the daemon after so many answers. */
async function live(
  daemon: TestDaemon,
  account: DelayAccount,
  random: SeededRandom,
): Promise<Exit> {
  let left = random.between(1, ANSWERS_OF_A_LIFE_MAX)
  let dying: Promise<Exit> | undefined
  const onAnswer = (): void => {
    left -= 1
    if (left <= 0) dying ??= daemon.kill()
  }
  const { url } = daemon
  const clients = Array.from({ length: CLIENTS }, () =>
    runDelayClient({ url, account, random: random.fork(), onAnswer }),
  )
  await Promise.all(clients)
  if (dying === undefined) throw new Error('the daemon went by itself')
  return await dying
}

/** Resolves when nothing waits any more. */
async function allDelivered(daemon: TestDaemon): Promise<void> {
  for (;;) {
    const stats = (await daemon.ask('GET', '/delay/stats')) as { pending_count: number }
    if (stats.pending_count === 0) return
    const path = `/topics/${TOPIC}/messages?offset=latest&timeout=200`
    await daemon.ask('GET', path)
  }
}

test('delayed messages survive kill -9: each comes once, none early, none that was cancelled', async () => {
  const seed = baseSeed()
  onTestFinished(({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(`GOQUEUE_SEED=${seed}\n`)
  })
  const random = new SeededRandom(seed ^ 0x7f4a_7c15)
  const account = new DelayAccount()
  const dataDir = await temporaryDirectory()
  for (let life = 0; life < KILLS; life += 1) {
    const daemon = await startDaemon({ dataDir })
    if (life === 0) {
      const config = { segment_bytes: SEGMENT_BYTES }
      await daemon.ask('POST', '/topics', { name: TOPIC, num_partitions: PARTITIONS, config })
    }
    await check(daemon, account)
    expect(await live(daemon, account, random)).toMatchObject({ signal: 'SIGKILL' })
  }
  const last = await startDaemon({ dataDir })
  await allDelivered(last)
  await check(last, account, true)
  for (const [what, count] of Object.entries(account.tally)) {
    expect(count, what).toBeGreaterThan(KILLS)
  }
  await last.stop()
}, 600_000)
