/** The table of leases, and the thread's part of it, here without a thread. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  LeaseTable,
  SLOT,
  SLOT_FLOATS,
  SLOT_WORDS,
  STATE_BITS,
  sharedNowMs,
} from '../../../../src/client/worker/leaseTable.ts'
import { type RenewalNews, RenewalThread } from '../../../../src/client/worker/renewalThread.ts'
import { turn } from '../../../support/drive.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const range = { topic: 1, partition: 2, nonce: -1, deliveryCount: 3, offset: 2 ** 40, count: 3 }

class World {
  readonly table = new LeaseTable(4)
  readonly asked: { readonly action: string; readonly receipt_handles: string[] }[] = []
  readonly news: RenewalNews[] = []
  /** Receipts that the broker has given to somebody else. */
  readonly lost = new Set<string>()
  #looks: (() => void)[] = []

  start(): void {
    vi.stubGlobal('fetch', (url: string, { body = '{}' }: { body?: string }) =>
      this.#answer(url, body),
    )
    // Each pause of the thread ends when the test says so.
    vi.stubGlobal('setTimeout', (look: () => void) => void this.#looks.push(look))
    const thread = new RenewalThread(
      {
        ...{ url: 'http://broker', group: 'g', topics: ['a', 'b'], slots: 4 },
        memory: this.table.memory,
        layout: { words: SLOT_WORDS, floats: SLOT_FLOATS, stateBits: STATE_BITS },
        states: SLOT,
        ...{ leaseMs: 30_000, renewAfterMs: 10_000, maxRuntimeMs: 60_000, tickMs: 1 },
        ...{ requestTimeoutMs: 1000, warmUpMs: 1000, receiptsMax: 2 },
      },
      (news) => void this.news.push(news),
    )
    void thread.run()
  }

  async look(): Promise<void> {
    const looks = this.#looks
    this.#looks = []
    for (const each of looks) each()
    for (let i = 0; i < 5; i += 1) await turn()
  }

  #answer(url: string, body: string): Promise<Response> {
    const { receipt_handles = [] } = JSON.parse(body) as { receipt_handles?: string[] }
    const action = url.slice(url.lastIndexOf('/') + 1)
    if (action !== 'livez') this.asked.push({ action, receipt_handles })
    const results = receipt_handles.map((each) => ({ extended: !this.lost.has(each) }))
    return Promise.resolve(new Response(JSON.stringify({ results })))
  }
}

const longAgo = (): number => sharedNowMs() - 20_000
const receipts = (...offsets: number[]): string[] =>
  offsets.map((i) => `g:b:2:${2 ** 40 + i}:3:ffffffff`)

describe('lease table', () => {
  test('a slot is settled once, and only by whoever holds it', () => {
    const table = new LeaseTable(1)
    const first = table.hold(range, 0, 0)
    expect(table.isHeld(first)).toBe(true)
    expect(() => table.hold(range, 0, 0)).toThrow('no free slot')
    expect(table.free(first)).toBe(true)
    const second = table.hold(range, 0, 0)
    expect([table.isHeld(first), table.isHeld(second)]).toEqual([false, true])
  })
})

describe('renewal', () => {
  test('extends what is old, without what was taken out of it, and leaves what is young', async () => {
    const world = new World()
    const old = world.table.hold(range, longAgo(), 0)
    world.table.hold({ ...range, offset: 5 }, sharedNowMs(), 0)
    world.table.take(old.slot, 1)
    world.start()
    await world.look()
    expect(world.asked).toEqual([{ action: 'visibility', receipt_handles: receipts(1, 2) }])
    await world.look()
    expect(world.asked).toHaveLength(1)
    expect(world.news).toEqual([{ kind: 'ready' }])
  })

  test('what somebody else has is lost here', async () => {
    const world = new World()
    const held = world.table.hold({ ...range, count: 1 }, longAgo(), 0)
    for (const receipt of receipts(0)) world.lost.add(receipt)
    world.start()
    await world.look()
    expect(world.news.at(-1)).toEqual({ kind: 'lost', ...held })
    expect([world.table.isHeld(held), world.table.free(held)]).toEqual([false, false])
  })

  test('a handler that runs too long is told to those who listen, else to the broker', async () => {
    const world = new World()
    const heard = world.table.hold({ ...range, count: 1 }, longAgo(), sharedNowMs() - 60_001)
    const blocked = world.table.hold({ ...range, offset: 2 ** 40 + 1, count: 1 }, longAgo(), 1)
    world.start()
    await world.look()
    expect(world.news.slice(1)).toEqual([
      { kind: 'lapsed', ...heard },
      { kind: 'lapsed', ...blocked },
    ])
    expect(world.table.free(heard)).toBe(false)
    await world.look()
    expect(world.asked).toEqual([{ action: 'nack', receipt_handles: receipts(1) }])
    await world.look()
    expect(world.asked).toHaveLength(1)
  })
})
