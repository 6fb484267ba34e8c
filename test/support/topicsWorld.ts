/** Topics on a stub engine, with a clock that stands still: what most tests of the room begin with. */
import { type LogFields, type Logger, silentLogger } from '../../src/kernel/platform.ts'
import { type DecodedRecord, decodeRecords } from '../../src/record/index.ts'
import { Topics, type TopicsSettings } from '../../src/topics/index.ts'
import { FakeClock } from './fakeClock.ts'
import { StubEngine } from './stubEngine.ts'

export interface TopicsWorld {
  readonly engine: StubEngine
  readonly clock: FakeClock
  readonly topics: Topics
  /** What was logged at warn or error. */
  readonly logged: { message: string; fields: LogFields }[]
}

export async function topicsWorld(
  engine = new StubEngine(),
  settings: Partial<TopicsSettings> = {},
): Promise<TopicsWorld> {
  const world = unstartedWorld(engine, settings)
  await world.topics.start()
  return world
}

export function unstartedWorld(
  engine = new StubEngine(),
  settings: Partial<TopicsSettings> = {},
): TopicsWorld {
  const clock = new FakeClock()
  const logged: TopicsWorld['logged'] = []
  const note = (fields: LogFields, message: string): void => void logged.push({ message, fields })
  const logger: Logger = { ...silentLogger, warn: note, error: note }
  const topics = new Topics({ engine, platform: { clock, random: () => 0, logger }, settings })
  return { engine, clock, topics, logged }
}

export const LIMIT = { maxBytes: 1 << 20, maxRecords: 1000 }

export const valuesOf = (bytes: Buffer): string[] =>
  [...decodeRecords(bytes)].map((record: DecodedRecord) => String(record.value))

/** A turn of the event loop: everything that can go on without time passing has gone on. */
export const turn = (): Promise<void> => new Promise(setImmediate)
