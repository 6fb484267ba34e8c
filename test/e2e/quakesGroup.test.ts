/** Real input shared by a group: 1,707 seismic events, three members, one killed while another joins. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Admin, Connection, GroupConsumer, Producer } from '../../src/client/index.ts'
import { type RunningCommand, startDaemon, startGoqueue } from '../support/daemon.ts'

const FILE = fileURLToPath(new URL('../fixtures/earthquakes.ndjson', import.meta.url))
const LINES = readFileSync(FILE, 'utf8').trimEnd().split('\n')
const PARTITIONS = 12
const SESSION_MS = 1000

/** What was processed, as it came in here. */
interface Processed {
  readonly by: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
}

class World {
  readonly url: string
  readonly connection: Connection
  readonly admin: Admin
  readonly producer: Producer
  readonly processed: Processed[] = []

  constructor(url: string) {
    this.url = url
    this.connection = new Connection({ url })
    this.admin = new Admin(this.connection)
    this.producer = new Producer(this.connection)
    onTestFinished(async () => {
      await this.producer.close({ timeoutMs: 0 })
      await this.connection.close()
    })
  }

  send(from: number, to: number): Promise<unknown> {
    const lines = LINES.slice(from, to)
    return this.producer.sendBatch(
      lines.map((value) => ({ topic: 'quakes', key: JSON.parse(value).net, value })),
    )
  }

  /** A member in this process. */
  member(clientId: string): GroupConsumer {
    const consumer = new GroupConsumer(this.connection, {
      ...{ group: 'seismology', topics: ['quakes'], clientId, autoCommitMs: 50 },
      sessionTimeoutMs: SESSION_MS,
      heartbeatMs: SESSION_MS / 4,
      onWarning: () => undefined,
    })
    onTestFinished(() => consumer.close())
    void consumer.eachMessage((message) => {
      const { partition, offset } = message
      const key = message.keyText() ?? ''
      this.processed.push({ by: clientId, partition, offset, key, value: message.text() })
    })
    return consumer
  }

  /** A member that is a process; `each` is called with what it wrote. */
  memberProcess(each: (processed: Processed) => void): RunningCommand {
    const args = ['consume', 'quakes', '--group', 'seismology', '--follow', '-o', 'json']
    const times = ['--session-timeout', `${SESSION_MS}ms`, '--commit-interval', '20ms']
    const command = startGoqueue([...args, ...times], { env: { GOQUEUE_URL: this.url } })
    void this.#follow(command, each)
    return command
  }

  async #follow(command: RunningCommand, each: (processed: Processed) => void): Promise<void> {
    for (;;) {
      const line = await command.nextLine().catch(() => undefined)
      // Killed in the middle of a line: what it says was not processed.
      if (line?.endsWith('}') !== true) return
      const processed: Processed = { by: 'process', ...JSON.parse(line) }
      this.processed.push(processed)
      each(processed)
    }
  }

  async members(count: number): Promise<void> {
    for (;;) {
      const groups = await this.admin.listGroups()
      if (!groups.includes('seismology')) continue
      const { members, state } = await this.admin.describeGroup('seismology')
      if (members.length === count && state === 'stable') return
    }
  }

  async floors(): Promise<Readonly<Record<string, number>>> {
    return (await this.admin.groupOffsets('seismology'))['quakes'] ?? {}
  }

  async noLag(): Promise<void> {
    for (;;) {
      const { lag } = await this.admin.describeGroup('seismology')
      if (Object.values(lag['quakes'] ?? {}).every((each) => each === 0)) return
    }
  }
}

const placeOf = ({ partition, offset }: Processed): string => `${partition}:${offset}`

/** The first time that each event was processed, in that order. */
function firstSightings(processed: readonly Processed[]): readonly Processed[] {
  const seen = new Set<string>()
  return processed.filter((event) => {
    const isFirst = !seen.has(placeOf(event))
    seen.add(placeOf(event))
    return isFirst
  })
}

function byKey(pairs: readonly (readonly [key: string, value: string])[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const [key, value] of pairs) groups.set(key, [...(groups.get(key) ?? []), value])
  return groups
}

describe('seismic events in a group', () => {
  test('are all processed, each key in order, and twice only if not committed, while a member dies and one joins', async () => {
    const world = new World((await startDaemon()).url)
    await world.admin.createTopic({ name: 'quakes', partitions: PARTITIONS })
    const half = Math.floor(LINES.length / 2)
    let sighted: (() => void) | undefined
    const inSecondHalf = new Promise<void>((resolve) => {
      sighted = resolve
    })
    // The process gets the partitions in the middle, where most events are.
    const later = new Set(LINES.slice(half))
    const victim = world.memberProcess(({ value }) => {
      if (later.has(value)) sighted?.()
    })
    const stay = [world.member('a'), world.member('z')]
    await world.members(3)

    await world.send(0, half)
    await world.noLag()
    const settledPlaces = world.processed.map(placeOf)
    expect(new Set(settledPlaces).size).toBe(half)
    expect(settledPlaces).toHaveLength(half)
    const shared = new Set(world.processed.map(({ by }) => by))
    expect([...shared].toSorted()).toEqual(['a', 'process', 'z'])

    const lastQuarter = Math.floor((LINES.length * 3) / 4)
    const sending = world.send(half, lastQuarter)
    await inSecondHalf
    victim.process.kill('SIGKILL')
    await victim.exit
    const floorsAtKill = await world.floors()
    const knownAtKill = world.processed.length
    const newcomer = world.member('m')
    await sending
    await world.send(lastQuarter, LINES.length)
    await world.members(3)
    await world.noLag()
    for (const member of [...stay, newcomer]) await member.close()

    const firsts = firstSightings(world.processed)
    expect(byKey(firsts.map(({ key, value }) => [key, value]))).toEqual(
      byKey(LINES.map((line) => [JSON.parse(line).net, line])),
    )
    // What was committed when the process died, nobody was given again.
    for (const { partition, offset, by } of world.processed.slice(knownAtKill)) {
      const floor = floorsAtKill[partition] ?? 0
      expect(offset, `${by} read partition ${partition}`).toBeGreaterThanOrEqual(floor)
    }
    const took = new Set(world.processed.slice(knownAtKill).map(({ by }) => by))
    expect(took).toContain('m')
    const { members, lag } = await world.admin.describeGroup('seismology')
    expect(members).toEqual([])
    expect(Object.values(lag['quakes'] ?? {})).toEqual(Array.from({ length: PARTITIONS }, () => 0))
  })
})
