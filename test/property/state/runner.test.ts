/**
 * The runner against a model: a list of what was asked for. Whenever the process or the machine dies, what the
 * next life replays is a prefix of that list, whole commands only, with everything in it that was answered.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { armFailpoint, type Failpoint } from '../../../src/kernel/failpoint.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { type CommitAcks, StateRunner } from '../../../src/state/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { ListMachine, listCodecWith } from '../../support/listMachine.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import { StubEngine } from '../../support/stubEngine.ts'

type Death = 'crash' | 'powerLoss'

const SNAPSHOT_BYTES = 400
const COMMANDS = 24
const FAILPOINTS: readonly Failpoint[] = [
  'journal.append.before-write',
  'snapshot.before-rename',
  'snapshot.after-rename',
]

const newRunner = (engine: StubEngine, machine: ListMachine, onPiece = (): void => undefined) =>
  new StateRunner({
    name: 'list',
    machine,
    codec: listCodecWith(onPiece),
    engine,
    platform: { clock: new FakeClock(), random: () => 0, logger: silentLogger },
    snapshotBytes: SNAPSHOT_BYTES,
  })

/** What was asked for, and up to where it was promised to outlive which death. */
interface Model {
  readonly items: string[]
  /** Lengths of the list at which a command ended. */
  readonly ends: Set<number>
  promised: Record<Death, number>
}

/** Submits commands of the seed, some at once and some one by one, and snapshots, until all is done or the disk died. */
async function work(
  runner: ReturnType<typeof newRunner>,
  model: Model,
  random: SeededRandom,
  engine: StubEngine,
) {
  const waiting: Promise<void>[] = []
  for (let i = 0; i < COMMANDS && !engine.dead; i += 1) {
    const command = { id: model.ends.size, parts: random.int(4) }
    const acks: CommitAcks = random.chance(0.5) ? 'all' : 'leader'
    for (let part = 0; part < command.parts; part += 1) model.items.push(`${command.id}.${part}`)
    const end = model.items.length
    model.ends.add(end)
    const done = runner.submit(command, acks).then(() => {
      model.promised.crash = Math.max(model.promised.crash, end)
      if (acks === 'all') model.promised.powerLoss = Math.max(model.promised.powerLoss, end)
    })
    waiting.push(done.catch(() => undefined))
    if (random.chance(0.4)) await done.catch(() => undefined)
    if (random.chance(0.1)) await runner.snapshot()
  }
  await Promise.all(waiting)
  await runner.stop()
}

interface Boundaries {
  count: number
  readonly dieAt: number
  readonly kind: Death
  next: StubEngine | undefined
}

/** One life on `engine`, cut at a boundary; resolves with the engine of the next life. */
async function live(engine: StubEngine, model: Model, seed: number, cut: Boundaries) {
  let died: () => void = () => undefined
  const death = new Promise<void>((resolve) => {
    died = resolve
  })
  const boundary = (): void => {
    if (engine.dead) return
    cut.count += 1
    if (cut.count !== cut.dieAt) return
    cut.next = cut.kind === 'crash' ? engine.crash() : engine.powerLoss()
    died()
  }
  engine.before = boundary
  engine.after = boundary
  const disarm = FAILPOINTS.map((name) => armFailpoint(name, boundary))
  const machine = new ListMachine()
  const runner = newRunner(engine, machine, boundary)
  const life = (async () => {
    await runner.start()
    await work(runner, model, new SeededRandom(seed), engine)
  })()
  await Promise.race([life, death])
  for (const each of disarm) each()
  return cut.next ?? engine.crash()
}

async function check(engine: StubEngine, model: Model, kind: Death, note: string) {
  const machine = new ListMachine()
  const runner = newRunner(engine, machine)
  await runner.start()
  const kept = machine.items.length
  expect(machine.names(), note).toEqual(model.items.slice(0, kept))
  expect(model.ends.has(kept) || kept === 0, `${note}: ${kept} is no whole command`).toBe(true)
  expect(kept, `${note}: promised`).toBeGreaterThanOrEqual(model.promised[kind])
  await runner.stop()
  return kept
}

async function lives(random: SeededRandom, note: string) {
  let engine = new StubEngine()
  const model = newModel()
  for (let life = 0; life < 6; life += 1) {
    const kind: Death = random.chance(0.5) ? 'crash' : 'powerLoss'
    const cut: Boundaries = { count: 0, dieAt: random.between(1, 90), kind, next: undefined }
    engine = await live(engine, model, random.int(1e9), cut)
    const kept = await check(engine, model, kind, `${note}, life ${life}`)
    // What was lost never comes back: the next life goes on from what there is.
    model.items.length = kept
    for (const end of [...model.ends]) if (end > kept) model.ends.delete(end)
    model.promised = { crash: kept, powerLoss: kept }
    engine = engine.crash()
  }
}

const newModel = (): Model => ({
  items: [],
  ends: new Set(),
  promised: { crash: 0, powerLoss: 0 },
})

afterEach(() => {
  for (const name of FAILPOINTS) armFailpoint(name, () => undefined)()
})

describe('StateRunner', { timeout: 30_000 }, () => {
  test.each(['crash', 'powerLoss'] as const)(
    'a %s at any boundary loses nothing that was promised and tears no command',
    async (kind) => {
      const seed = baseSeed()
      const whole: Boundaries = { count: 0, dieAt: -1, kind, next: undefined }
      await live(new StubEngine(), newModel(), seed, whole)
      expect(whole.count).toBeGreaterThan(40)
      for (let dieAt = 1; dieAt <= whole.count; dieAt += 1) {
        const model = newModel()
        const cut: Boundaries = { count: 0, dieAt, kind, next: undefined }
        const next = await live(new StubEngine(), model, seed, cut)
        await check(next, model, kind, `seed ${seed}, boundary ${dieAt}`)
      }
    },
  )

  test('many lives after one another, each cut somewhere', async () => {
    const seed = baseSeed()
    const random = new SeededRandom(seed)
    for (let run = 0; run < 15; run += 1) await lives(random, `seed ${seed}, run ${run}`)
  })
})
