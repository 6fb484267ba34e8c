import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { nodeFileSystem } from '../../../src/io/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { systemClock } from '../../../src/kernel/systemClock.ts'
import type { Offset } from '../../../src/kernel/units.ts'
import type { Admission, AppendedEarlier } from '../../../src/log/index.ts'
import { openSegmentedEngine } from '../../../src/log/index.ts'
import { batchOf, decodeRecords } from '../../../src/record/index.ts'

const directories: string[] = []
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
})

/** Admits each name once: what an idempotent producer asks for, in its simplest form. */
class OncePerName {
  readonly seen = new Map<string, AppendedEarlier>()

  of(name: string): Admission {
    return {
      decide: () => this.seen.get(name),
      appended: (baseOffset, timestampMs) => {
        this.seen.set(name, { baseOffset, timestampMs })
      },
      undone: () => {
        this.seen.delete(name)
      },
    }
  }
}

async function setup() {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-admission-'))
  directories.push(directory)
  const platform = { clock: systemClock, random: Math.random, logger: silentLogger }
  const engine = await openSegmentedEngine({ directory, fileSystem: nodeFileSystem, platform })
  const log = await engine.open('orders', { segmentBytes: 1 << 20 })
  const values = async (): Promise<string[]> => {
    const { bytes } = await log.read(0 as Offset, { maxBytes: 1 << 20, maxRecords: 1000 })
    return [...decodeRecords(bytes)].map((record) => String(record.value))
  }
  return { engine, log, values, once: new OncePerName() }
}

const batch = (value: string) => batchOf({ value })

describe('append with an admission', () => {
  test.each(['leader', 'all'] as const)(
    'a repetition gathered with its original gets the same offset (%s)',
    async (acks) => {
      const { engine, log, values, once } = await setup()
      const [first, repeated, other] = await Promise.all([
        log.append(batch('a'), acks, once.of('a')),
        log.append(batch('a'), acks, once.of('a')),
        log.append(batch('b'), acks, once.of('b')),
      ])
      expect(repeated).toEqual(first)
      expect(other?.baseOffset).toBe(1)
      expect(await log.append(batch('a'), acks, once.of('a'))).toEqual(first)
      expect(await values()).toEqual(['a', 'b'])
      await engine.close()
    },
  )

  test('a refused batch leaves no gap and its neighbours alone', async () => {
    const { engine, log, values, once } = await setup()
    const refusing: Admission = {
      decide: () => {
        throw new BrokerError('OUT_OF_ORDER_SEQUENCE', 'a gap')
      },
      appended: () => undefined,
      undone: () => undefined,
    }
    const results = await Promise.allSettled([
      log.append(batch('a'), 'leader', once.of('a')),
      log.append(batch('x'), 'leader', refusing),
      log.append(batch('b'), 'leader', once.of('b')),
    ])
    expect(results.map((each) => each.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'OUT_OF_ORDER_SEQUENCE' } })
    expect(await values()).toEqual(['a', 'b'])
    await engine.close()
  })
})
