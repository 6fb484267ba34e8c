/** The index of a delay log: what it says after it was written and read again, or lost. */
import { describe, expect, test } from 'vitest'
import { DelayIndex } from '../../../src/delay/delayIndex.ts'
import { IndexPage } from '../../../src/delay/indexPage.ts'
import { InFlightAppends } from '../../../src/delay/inFlightAppends.ts'
import { Lateness } from '../../../src/delay/lateness.ts'
import { listPending } from '../../../src/delay/listing.ts'
import { STATE } from '../../../src/delay/states.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import { StubEngine } from '../../support/stubEngine.ts'
import { House } from './house.ts'

const OWNER = { due: () => undefined }
const INDEX = 'delay/t~1/index-0'

/** 5,000 messages over two pages, some of them final, after a clean stop. */
async function stopped() {
  const clock = new FakeClock()
  const engine = new StubEngine(undefined, () => clock.nowMs())
  const house = await House.open({ engine, clock })
  for (let i = 0; i < 10; i += 1) {
    await house.schedule(...Array.from({ length: 500 }, (_, j) => (j === 7 ? 50 : 1000 + j)))
  }
  await house.pass(100)
  for (const offset of [3, 4200]) await house.delay.cancel('t', { partition: 0, offset })
  await house.delay.reschedule('t', { partition: 0, offset: 4 }, house.nowMs + 99_000)
  await house.stop()
  return { engine, house }
}

/** What the next start says of it, all in all. */
async function told(engine: StubEngine, house: House) {
  const next = await house.again(engine)
  const { pending, delivered, cancelled } = next.delay.stats()
  const states = await Promise.all([3, 4, 7, 4200, 4207].map((offset) => next.state(offset)))
  const last = (await next.delay.list('t', { limit: 1000, fromMs: next.nowMs + 90_000 })).messages
  const warnings = next.logged.map(({ message }) => message)
  return { pending, delivered, cancelled, states, last: last.map(({ offset }) => offset), warnings }
}

const RIGHT = {
  ...{ pending: 4988, delivered: 10, cancelled: 2, last: [4] },
  states: ['cancelled', 'pending', 'delivered', 'cancelled', 'pending'],
}
const DOUBTED = ['the index of delays does not match, built anew']

describe('the index of a delay log', () => {
  test('is read again after a stop', async () => {
    const { engine, house } = await stopped()
    const reads: string[] = []
    engine.before = (operation, path) => {
      if (operation === 'read' && path === 'delay/t~1/0') reads.push(path)
    }
    const next = await house.again(engine)
    expect(next.delay.stats()).toMatchObject({ pending: 4988 })
    expect(reads).toEqual([])
    await next.stop()
    expect(await told(engine, house)).toEqual({ ...RIGHT, warnings: [] })
  })

  test.each([
    ['all of it missing', /index-0/, undefined, []],
    ['its list missing', /index-0\/pages$/, undefined, []],
    ['a page missing', /index-0\/1$/, undefined, DOUBTED],
    ['a flipped bit in a page', /index-0\/0$/, 5000, DOUBTED],
    ['a flipped bit in its list', /index-0\/pages$/, 50, DOUBTED],
    ['a flipped bit in the head of a page', /index-0\/0$/, 1, DOUBTED],
  ] as const)('is built from the log with %s', async (_, which, flipped, warnings) => {
    const { engine, house } = await stopped()
    for (const [name, bytes] of engine.disk.blobs) {
      if (!which.test(name)) continue
      if (flipped === undefined) engine.disk.blobs.delete(name)
      else bytes[flipped] = (bytes[flipped] ?? 0) ^ 0x10
    }
    expect(await told(engine, house)).toEqual({ ...RIGHT, warnings })
  })

  test('is built from the log where a page is older than the list says', async () => {
    const { engine, house } = await stopped()
    const old = Buffer.from(engine.disk.blobs.get(`${INDEX}/0`) ?? '')
    const next = await house.again(engine)
    await next.delay.cancel('t', { partition: 0, offset: 0 })
    await next.stop()
    engine.disk.blobs.set(`${INDEX}/0`, old)
    expect(await told(engine, house)).toMatchObject({
      pending: 4987,
      cancelled: 3,
      warnings: DOUBTED,
    })
  })

  test('covers nothing that an append under way may still bring', () => {
    const appends = new InFlightAppends()
    const [first, second, third] = [appends.begin(10), appends.begin(12), appends.begin(15)]
    second(true)
    expect(appends.covered(20)).toBe(10)
    first(true)
    expect(appends.covered(20)).toBe(15)
    third(false)
    expect(appends.covered(30)).toBe(15)
  })
})

describe('a page of the index', () => {
  test('is written byte by byte as it is documented', () => {
    const page = new IndexPage(OWNER, 3)
    page.add(1, { dueMs: 0x1_0000_0002, publishedMs: 5, priority: 4, isKeyless: true })
    page.setState(1, STATE.FIRING)
    const bytes = page.encode(77)
    expect(bytes.subarray(0, 4).toString('hex')).toBe('47580100')
    expect(bytes.readBigUInt64BE(8)).toBe(77n)
    expect(bytes.subarray(16, 48)).toEqual(Buffer.alloc(32))
    const entry = `00000001000000020000000000000005010401${'00'.repeat(13)}`
    expect(bytes.subarray(48, 80).toString('hex')).toBe(entry)
    expect(IndexPage.coverage(bytes)).toBe(77)
    const again = new IndexPage(OWNER, 3)
    again.decode(bytes, Number.POSITIVE_INFINITY)
    expect(again.encode(77)).toEqual(bytes)
    expect([again.open, again.minDueMs]).toEqual([1, 0x1_0000_0002])
  })

  test('leaves out what lies behind the end of the log', () => {
    const page = new IndexPage(OWNER, 0)
    for (const i of [0, 1, 2])
      page.add(i, { dueMs: i, publishedMs: 0, priority: 2, isKeyless: false })
    const again = new IndexPage(OWNER, 0)
    again.decode(page.encode(0), 2)
    expect([again.open, again.state(2)]).toEqual([2, STATE.NONE])
  })
})

type Indexed = readonly { readonly partition: number; readonly index: DelayIndex }[]

describe('a list', () => {
  test('is what sorting everything gives, however much is listed, settled and moved before', async () => {
    const random = new SeededRandom(baseSeed())
    for (let run = 0; run < 8; run += 1) {
      // The last ones lie too far apart to be kept in order.
      const dues = [3, 1000, 1e9, 8e15][run % 4] as number
      const logs = [0, 1].map((partition) => ({ partition, index: filled(random, dues) }))
      for (let step = 0; step < 6; step += 1) {
        const all = sortedByHand(logs)
        const after = random.chance(0.5) ? undefined : random.pick(all)
        const limit = random.pick([1, 10, 500])
        const listed = await listPending(
          logs.map(({ partition, index }) => ({ partition, pages: index.pages() })),
          { limit, after },
          new FakeClock(),
        )
        const start = after === undefined ? 0 : all.indexOf(after) + 1
        expect(listed).toEqual(all.slice(start, start + limit))
        changeSome(random, logs, dues)
      }
    }
  })
})

/** A full page and half of one, with gaps. */
function filled(random: SeededRandom, dues: number): DelayIndex {
  const index = new DelayIndex(OWNER)
  const facts = { publishedMs: 0, priority: 2, isKeyless: false }
  for (let offset = 0; offset < 6000; offset += 1) {
    if (offset !== 4095 && random.chance(0.1)) continue
    index.add(offset, { dueMs: random.int(dues), ...facts })
  }
  return index
}

function changeSome(random: SeededRandom, logs: Indexed, dues: number): void {
  const all = sortedByHand(logs)
  const settled = random.pick([0, 0.1, 0.6])
  for (const { partition, offset } of all) {
    if (random.chance(settled)) logs[partition]?.index.settle(offset, STATE.CANCELLED)
  }
  for (let moved = random.pick([0, 20]); moved > 0; moved -= 1) {
    const { partition, offset } = random.pick(all)
    logs[partition]?.index.setDue(offset, random.int(Math.ceil(dues / 100)))
  }
}

function sortedByHand(logs: Indexed) {
  return logs
    .flatMap(({ partition, index }) =>
      [...index.pages()].flatMap((page) =>
        Array.from(page.states, (state, i) => ({ state, i }))
          .filter(({ state }) => state === STATE.PENDING)
          .map(({ i }) => ({ dueMs: page.dueMs[i] ?? 0, partition, offset: page.base + i })),
      ),
    )
    .sort((a, b) => a.dueMs - b.dueMs || a.partition - b.partition || a.offset - b.offset)
}

describe('lateness', () => {
  test('is told within three percent, and exactly below 64 ms', () => {
    const lateness = new Lateness()
    expect(lateness.view()).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 })
    for (let ms = 1; ms <= 100; ms += 1) lateness.note(ms)
    expect(lateness.view()).toMatchObject({ p50Ms: 50, maxMs: 100 })
    const { p99Ms } = lateness.view()
    expect(Math.abs(p99Ms - 99) / 99).toBeLessThan(0.03)
    lateness.note(1e15)
    expect(lateness.view().maxMs).toBe(1e15)
  })
})
