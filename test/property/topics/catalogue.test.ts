import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { StateRunner } from '../../../src/state/index.ts'
import { Catalogue, catalogueCodec, type TopicCommand } from '../../../src/topics/catalogue.ts'
import { DEFAULT_TOPIC_CONFIG, type TopicConfig } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { baseSeed } from '../../support/random.ts'
import { StubEngine } from '../../support/stubEngine.ts'

const LIMITS = { topicsMax: 4, partitionsMax: 12 }
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'A')

const change: fc.Arbitrary<Partial<TopicConfig>> = fc.constantFrom<Partial<TopicConfig>>(
  { retentionMs: null },
  { retentionBytes: 4096 },
  { segmentBytes: 4096 },
  { segmentBytes: 4096, recordBytesMax: 8192 },
  { recordBytesMax: -1 },
)

const command: fc.Arbitrary<TopicCommand> = fc.oneof(
  fc.record({
    type: fc.constant('create' as const),
    name,
    partitions: fc.integer({ min: 1, max: 5 }),
    config: fc.constant(DEFAULT_TOPIC_CONFIG),
  }),
  fc.record({ type: fc.constant('configure' as const), name, change }),
  fc.record({ type: fc.constant('delete' as const), name }),
)

type Life = 'go on' | 'crash' | 'stop'
const step = fc.tuple(
  command,
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Life>('go on') },
    { weight: 1, arbitrary: fc.constant<Life>('crash') },
    { weight: 1, arbitrary: fc.constant<Life>('stop') },
  ),
)

interface Modelled {
  readonly id: number
  readonly partitions: number
  readonly config: TopicConfig
}

/** The catalogue as a Map and a few ifs; resolves with the code of a refusal. */
class Model {
  readonly topics = new Map<string, Modelled>()
  nextId = 1

  run(command: TopicCommand): string {
    const topic = this.topics.get(command.name)
    if (command.type === 'create') return this.create(command, topic)
    if (topic === undefined) return 'TOPIC_NOT_FOUND'
    if (command.type === 'delete') {
      this.topics.delete(command.name)
      return 'ok'
    }
    const { change } = command
    const isBad = change.recordBytesMax === -1 || change.recordBytesMax === 8192
    if (isBad) return 'INVALID_CONFIG'
    const config = { ...topic.config, ...change }
    config.recordBytesMax = Math.min(config.recordBytesMax, config.segmentBytes)
    this.topics.set(command.name, { ...topic, config })
    return 'ok'
  }

  create(command: TopicCommand & { type: 'create' }, topic: Modelled | undefined): string {
    if (topic !== undefined) return 'TOPIC_EXISTS'
    const partitions = [...this.topics.values()].reduce((sum, each) => sum + each.partitions, 0)
    if (this.topics.size === LIMITS.topicsMax) return 'LIMIT_REACHED'
    if (partitions + command.partitions > LIMITS.partitionsMax) return 'LIMIT_REACHED'
    const { partitions: count, config } = command
    this.topics.set(command.name, { id: this.nextId, partitions: count, config })
    this.nextId += 1
    return 'ok'
  }
}

async function start(engine: StubEngine) {
  const catalogue = new Catalogue(LIMITS)
  const runner = new StateRunner({
    name: 'topics',
    machine: catalogue,
    codec: catalogueCodec,
    engine,
    platform: { clock: new FakeClock(), random: () => 0, logger: silentLogger },
    snapshotBytes: 2000,
  })
  await runner.start()
  return { catalogue, runner }
}

const codeOf = (error: unknown): string =>
  error instanceof BrokerError ? error.code : String(error)

describe('Catalogue', { timeout: 30_000 }, () => {
  test('answers as a map would, over restarts and crashes, and gives no id twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 40, size: 'max' }),
        async (steps) => {
          let engine = new StubEngine()
          let { catalogue, runner } = await start(engine)
          const model = new Model()
          for (const [each, life] of steps) {
            const wanted = model.run(each)
            expect(await runner.submit(each).then(() => 'ok', codeOf)).toBe(wanted)
            if (life === 'stop') await runner.stop()
            if (life !== 'go on') {
              engine = engine.crash()
              ;({ catalogue, runner } = await start(engine))
            }
            const found = catalogue
              .topics()
              .map(({ name, id, partitions, config }) => [name, { id, partitions, config }])
            expect(Object.fromEntries(found)).toEqual(Object.fromEntries(model.topics))
            expect(catalogue.nextId).toBe(model.nextId)
            for (const name of ['a', 'A', 'e']) {
              expect(catalogue.get(name)?.id).toBe(model.topics.get(name)?.id)
            }
          }
        },
      ),
      { seed: baseSeed(), numRuns: 30 },
    )
  })
})
