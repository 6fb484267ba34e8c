/** The main job on real input: 1,707 seismic events in, and back by every door, over restarts and a crash. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { decodeChecked } from '../../src/client/index.ts'
import { startDaemon, type TestDaemon } from '../support/daemon.ts'

// Eight processes one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 })

const FILE = fileURLToPath(new URL('../fixtures/earthquakes.ndjson', import.meta.url))
const LINES = readFileSync(FILE, 'utf8').trimEnd().split('\n')

interface Event {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
}

const networkOf = (line: string): string => JSON.parse(line).net

/** The lines of each network in the order of the file. */
const EXPECTED = byKey(LINES.map((line) => [networkOf(line), line]))

function byKey(pairs: readonly (readonly [key: string, value: string])[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const [key, value] of pairs) groups.set(key, [...(groups.get(key) ?? []), value])
  return groups
}

/** Complete, keyed as the file says, in order per key, without a gap in the offsets of any partition. */
function expectAllEvents(events: readonly Event[]): void {
  expect(events).toHaveLength(LINES.length)
  expect(byKey(events.map(({ key, value }) => [key, value]))).toEqual(EXPECTED)
  const next = new Map<number, number>()
  for (const { partition, offset } of events) {
    expect(offset, `partition ${partition}`).toBe(next.get(partition) ?? 0)
    next.set(partition, offset + 1)
  }
}

async function byCommand(daemon: TestDaemon): Promise<readonly Event[]> {
  const { code, stdout } = await daemon.run(['consume', 'quakes'])
  expect(code).toBe(0)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function partitionsOf(daemon: TestDaemon): Promise<readonly number[]> {
  const reply = await fetch(`${daemon.url}/topics/quakes`)
  const { partitions } = (await reply.json()) as { partitions: number }
  return Array.from({ length: partitions }, (_, partition) => partition)
}

async function byJson(daemon: TestDaemon): Promise<readonly Event[]> {
  const events: Event[] = []
  for (const partition of await partitionsOf(daemon)) {
    for (let offset = 0, more = true; more; ) {
      const path = `/topics/quakes/partitions/${partition}/messages?offset=${offset}&limit=500`
      const reply = await fetch(daemon.url + path)
      const page = (await reply.json()) as { messages: Event[]; next_offset: number }
      events.push(...page.messages.map((message) => ({ ...message, partition })))
      offset = page.next_offset
      more = page.messages.length > 0
    }
  }
  return events
}

async function byRawRecords(daemon: TestDaemon): Promise<readonly Event[]> {
  const events: Event[] = []
  for (const partition of await partitionsOf(daemon)) {
    const url = `${daemon.url}/topics/quakes/partitions/${partition}/messages?limit=10000`
    const headers = { accept: 'application/vnd.goqueue.records' }
    const body = await (await fetch(url, { headers })).arrayBuffer()
    for (const { offset, key, value } of decodeChecked(Buffer.from(body))) {
      events.push({ partition, offset, key: String(key), value: String(value) })
    }
  }
  return events
}

async function expectAllByEveryDoor(daemon: TestDaemon): Promise<void> {
  expectAllEvents(await byCommand(daemon))
  expectAllEvents(await byJson(daemon))
  expectAllEvents(await byRawRecords(daemon))
}

describe('seismic events', () => {
  test('go in by one command and come back whole by every door, also after a stop and after a crash', async () => {
    const daemon = await startDaemon()
    expect((await daemon.run(['topic', 'create', 'quakes'])).code).toBe(0)
    const produced = await daemon.run(['produce', 'quakes', '--key-field', 'net', '-f', FILE])
    expect(produced.stderr).toBe('')
    expect(JSON.parse(produced.stdout)).toMatchObject({
      messages: LINES.length,
      durability: 'disk',
    })
    await expectAllByEveryDoor(daemon)

    expect((await daemon.stop()).code).toBe(0)
    const second = await startDaemon({ dataDir: daemon.dataDir })
    await expectAllByEveryDoor(second)

    await second.kill()
    await expectAllByEveryDoor(await startDaemon({ dataDir: daemon.dataDir }))
  })

  test('that were acknowledged from memory survive a crash of the process', async () => {
    const daemon = await startDaemon()
    await daemon.run(['topic', 'create', 'quakes', '-p', '5'])
    const args = ['produce', 'quakes', '--key-field', 'net', '--acks', 'leader']
    const produced = await daemon.run(args, { input: readFileSync(FILE) })
    expect(JSON.parse(produced.stdout)).toMatchObject({
      messages: LINES.length,
      durability: 'memory',
    })
    await daemon.kill()
    expectAllEvents(await byCommand(await startDaemon({ dataDir: daemon.dataDir })))
  })
})
