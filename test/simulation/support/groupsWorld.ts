/**
 * Several lives of the group coordinator on a simulated disk, from one seed: members join, beat, commit, leave and
 * fall silent, floors are reset, the group is deleted; after each crash it must be as it was after one of its changes,
 * with all that was acknowledged, and its members find their way back by a heartbeat.
 */
import { Groups } from '../../../src/groups/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import type { LogEngine } from '../../../src/log/index.ts'
import { batchOf } from '../../../src/record/index.ts'
import { Topics } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'
import { type CrashKind, SimulatedDisk } from '../../support/simulatedDisk.ts'
import { checkAssignment, GroupHistory, stateOf } from './groupHistory.ts'
import { openEngine } from './openEngine.ts'
import { turns, unlessItHangs } from './turns.ts'

export interface GroupsWorldOptions {
  readonly seed: number
  readonly fate?: number
  readonly lives: number
  readonly ends: readonly (CrashKind | 'clean')[]
  readonly firstCut?: number
}

const GROUP = 'g'
const TOPICS = { orders: 4, quakes: 2 } as const
const TOPIC_NAMES = ['orders', 'quakes'] as const
const PARTITIONS = Object.entries(TOPICS).flatMap(([name, count]) =>
  Array.from({ length: count }, (_, partition) => `${name}-${partition}`),
)
const RECORDS = Array.from({ length: 60 }, () => ({ value: '' }))
const MEMBERS = ['a', 'b', 'c', 'd'] as const
const SESSION_MS = 10_000
const BOUNDARIES_OF_A_LIFE = 60
const LAST_TURNS = 12
/** What a member may be told at any time, as it is not told of everything at once. */
const REFUSALS = new Set([
  'UNKNOWN_MEMBER',
  'GROUP_NOT_FOUND',
  'NOT_ASSIGNED',
  'STALE_GENERATION',
  'PARTITION_HELD',
  'GROUP_NOT_EMPTY',
])

interface Life {
  readonly random: SeededRandom
  readonly isDown: () => boolean
}

export class GroupsWorld {
  readonly disk: SimulatedDisk
  boundariesOfFirstLife = 0
  readonly #options: GroupsWorldOptions
  readonly #random: SeededRandom
  readonly #clock = new FakeClock()
  readonly #history = new GroupHistory()
  #powerWasLost = false
  #topicsMade = false

  constructor(options: GroupsWorldOptions) {
    this.#options = options
    this.disk = new SimulatedDisk(options.seed, options.fate)
    this.#random = new SeededRandom(options.seed ^ 0x6a09_e667)
  }

  async run(): Promise<void> {
    const { seed, fate, firstCut, lives } = this.#options
    try {
      for (let life = 0; life < lives; life += 1) {
        await this.#live(life === 0 ? firstCut : undefined)
        if (life === 0) this.boundariesOfFirstLife = this.disk.boundaries
      }
      await this.#work('clean', { random: this.#random, isDown: () => false })
    } catch (error) {
      const how = `seed ${seed}, fate ${fate ?? '-'}, first cut ${firstCut ?? '-'}`
      throw new Error(`${how}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }

  async #live(cut: number | undefined): Promise<void> {
    const random = this.#random.fork()
    const end = random.pick(this.#options.ends)
    const boundary = cut ?? this.disk.boundaries + 1 + random.int(BOUNDARIES_OF_A_LIFE)
    if (end !== 'clean') this.disk.cutAt(boundary, end)
    const { down, crashes, powerLosses } = this.disk
    const isDown = (): boolean => this.disk.crashes > crashes
    const stopped = this.#work(end, { random, isDown })
    await unlessItHangs(Promise.race([stopped, down]))
    stopped.catch(() => undefined)
    if (!isDown()) {
      if (end === 'process') this.disk.processCrash()
      else this.disk.powerLoss()
    }
    await turns(LAST_TURNS)
    if (this.disk.powerLosses > powerLosses) this.#powerWasLost = true
  }

  async #work(end: CrashKind | 'clean', life: Life): Promise<void> {
    const { engine, topics, groups } = await this.#start(life)
    if (life.isDown()) return
    const state = stateOf(groups, GROUP)
    this.#history.found(state, this.#powerWasLost)
    this.#powerWasLost = false
    checkAssignment(state, PARTITIONS)
    this.#everybodyReappears(groups)
    const waiting: Promise<void>[] = []
    for (let step = life.random.between(3, 30); step > 0 && !life.isDown(); step -= 1) {
      if (life.random.chance(0.12)) {
        await this.#step(life, () => this.#reset(groups, life))
        continue
      }
      const done = this.#step(life, () => this.#act(groups, life.random))
      // Looked at when all are awaited.
      done.catch(() => undefined)
      waiting.push(done)
      if (life.random.chance(0.4)) await Promise.all(waiting)
      else await turns(life.random.int(3))
    }
    await Promise.all(waiting)
    if (end !== 'clean') return
    await groups.stop()
    await topics.stop()
    await engine.close()
    if (!life.isDown()) this.#history.stoppedCleanly()
  }

  async #start({ random, isDown }: Life): Promise<{
    readonly engine: LogEngine
    readonly topics: Topics
    readonly groups: Groups
  }> {
    const engine = await openEngine(this.disk, this.#clock, random.fork())
    const platform = { clock: this.#clock, random: random.fork().next, logger: silentLogger }
    const topics = new Topics({ engine, platform })
    await topics.start()
    if (!this.#topicsMade) await this.#makeTopics(topics, isDown)
    const groups = new Groups({ engine, platform, topics })
    await groups.start()
    return { engine, topics, groups }
  }

  async #makeTopics(topics: Topics, isDown: () => boolean): Promise<void> {
    for (const name of TOPIC_NAMES) {
      const topic = topics.find(name) ?? (await topics.create({ name, partitions: TOPICS[name] }))
      for (const partition of topic.partitions) {
        // A commit behind the end of its log would not outlast a restart.
        if (partition.offsets().next === 0) await partition.append(batchOf(...RECORDS), 'all')
      }
    }
    if (!isDown()) this.#topicsMade = true
  }

  /** A heartbeat with what each member knew is enough, and moves nothing. */
  #everybodyReappears(groups: Groups): void {
    const before = stateOf(groups, GROUP)
    if (before === undefined) return
    for (const memberId of Object.keys(before.members)) {
      groups.heartbeat(GROUP, memberId, before.generation)
    }
    const { state, members } = groups.describe(GROUP)
    const expected = members.length === 0 ? 'empty' : 'stable'
    if (state !== expected) throw new Error(`MembersReappear: ${state}, not ${expected}`)
  }

  async #step(life: Life, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (life.isDown()) return
      if (error instanceof BrokerError && REFUSALS.has(error.code)) return
      throw error
    }
  }

  /** Each of these is applied when the call has returned its promise. */
  async #act(groups: Groups, random: SeededRandom): Promise<void> {
    const memberId = random.pick(MEMBERS)
    const chance = random.next()
    if (chance < 0.3) return await this.#acknowledged(groups, this.#join(groups, memberId))
    if (chance < 0.5) return await this.#acknowledged(groups, groups.leave(GROUP, memberId))
    if (chance < 0.54) return await this.#everybodyLeaves(groups)
    if (chance < 0.6) return await this.#acknowledged(groups, groups.delete(GROUP), 'all')
    if (chance < 0.68) {
      this.#clock.advance(random.int(SESSION_MS))
      this.#history.note(stateOf(groups, GROUP), false)
      return
    }
    const topic = random.pick(TOPIC_NAMES)
    const floor = {
      topic,
      partition: random.int(TOPICS[topic]),
      offset: random.int(RECORDS.length),
    }
    const commit = groups.commit({ group: GROUP, memberId, floors: [floor] })
    await this.#acknowledged(groups, commit)
  }

  async #acknowledged(
    groups: Groups,
    done: Promise<unknown>,
    acks: 'leader' | 'all' = 'leader',
  ): Promise<void> {
    const promised = this.#history.note(stateOf(groups, GROUP), false)
    await done
    promised(acks)
  }

  #join(groups: Groups, memberId: string): Promise<unknown> {
    return groups.join({
      ...{ group: GROUP, clientId: 'c', memberId, topics: TOPIC_NAMES },
      ...{ sessionTimeoutMs: SESSION_MS, mode: 'offset' },
    })
  }

  /** After which floors can be reset, and the group deleted. */
  async #everybodyLeaves(groups: Groups): Promise<void> {
    const members = Object.keys(stateOf(groups, GROUP)?.members ?? {})
    await Promise.all(
      members.map((memberId) => this.#acknowledged(groups, groups.leave(GROUP, memberId))),
    )
  }

  /** To the beginning of the logs. Whatever else goes on waits: when floors may go back is then known. */
  async #reset(groups: Groups, { random, isDown }: Life): Promise<void> {
    const request = { group: GROUP, topic: random.pick(TOPIC_NAMES), dryRun: false } as const
    const done = groups.reset({ ...request, to: { at: 'earliest' } })
    let isUnderWay = true
    const ended = (): void => {
      isUnderWay = false
    }
    done.then(ended, ended)
    let promised = this.#history.note(stateOf(groups, GROUP), true)
    while (isUnderWay && !isDown()) {
      await turns(1)
      promised = this.#history.note(stateOf(groups, GROUP), true)
    }
    await done
    promised('all')
  }
}
