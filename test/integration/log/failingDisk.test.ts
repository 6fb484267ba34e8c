import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FileHandle, FileSystem } from '../../../src/io/index.ts'
import { offset } from '../../../src/kernel/units.ts'
import type { LogEngine, PartitionLog } from '../../../src/log/index.ts'
import {
  EVERYTHING,
  fileSystemWith,
  handleWith,
  openTestEngine,
  readAll,
  temporaryDirectory,
  testPlatform,
  textsOf,
  unsyncedFileSystem,
  values,
} from '../../unit/log/support.ts'

const SMALL = { segmentBytes: 300 }

const systemError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code })

/** Called before an operation on an open file; throws what is to go wrong. */
type Disturb = (operation: keyof FileHandle, path: string) => void

/** A disk whose handles, those of the log, ask `disturb` first; a write that fails has written half of its bytes. */
function disturbed(disturb: Disturb): FileSystem {
  return fileSystemWith(
    {
      open: async (path, options) => {
        const inner = await unsyncedFileSystem.open(path, options)
        if (!path.includes('/logs/')) return inner
        return handleWith(inner, {
          write: async (bytes, position) => {
            try {
              disturb('write', path)
            } catch (error) {
              await inner.write(bytes.subarray(0, bytes.length / 2), position)
              throw error
            }
            await inner.write(bytes, position)
          },
          datasync: async () => disturb('datasync', path),
          truncate: async (size) => {
            disturb('truncate', path)
            await inner.truncate(size)
          },
        })
      },
    },
    unsyncedFileSystem,
  )
}

async function setup(disturb: Disturb) {
  const directory = temporaryDirectory()
  const { platform, clock, lines } = testPlatform()
  const fileSystem = disturbed(disturb)
  const engine = await openTestEngine({ directory, platform, fileSystem })
  const log = await engine.open('logs/0', SMALL)
  return { directory, engine, log, clock, lines }
}

/** Closes everything and opens the log again on a disk that works. */
async function reopened(engine: LogEngine, directory: string): Promise<PartitionLog> {
  await engine.close()
  const next = await openTestEngine({ directory, fileSystem: unsyncedFileSystem })
  return await next.open('logs/0', SMALL)
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('full disk', () => {
  test('at any write: the batch is refused whole, the log goes on when there is room', async () => {
    let hit = true
    for (let failing = 1; hit && failing < 200; failing += 1) {
      let writes = 0
      hit = false
      const { directory, engine, log } = await setup((operation) => {
        if (operation !== 'write') return
        writes += 1
        if (writes !== failing) return
        hit = true
        throw systemError('ENOSPC')
      })
      const kept: string[] = []
      for (const i of range(24)) {
        const batch = [`${i}a`, `${i}b`]
        const refusal = await log.append(values(...batch), i % 2 ? 'all' : 'leader').then(
          () => undefined,
          (error: unknown) => error,
        )
        if (refusal === undefined) kept.push(...batch)
        else expect(refusal).toMatchObject({ code: 'DISK_FULL' })
        expect(textsOf(await readAll(log)), `write ${failing}, append ${i}`).toEqual(kept)
      }
      expect(kept.length).toBeGreaterThanOrEqual(46)
      expect(textsOf(await readAll(await reopened(engine, directory)))).toEqual(kept)
    }
    expect(hit).toBe(false)
  })

  test('refuses all that one write would have taken, and only once says so in the log', async () => {
    let full = true
    const { log, lines } = await setup((operation) => {
      if (full && operation === 'write') throw systemError('ENOSPC')
    })
    for (const i of range(3)) {
      const appends = range(5).map(() => log.append(values(`${i}`), 'leader'))
      for (const append of appends) {
        await expect(append).rejects.toMatchObject({ code: 'DISK_FULL', retryable: true })
      }
    }
    full = false
    expect((await log.append(values('a'), 'all')).baseOffset).toBe(0)
    expect(lines.map((line) => line.message)).toEqual(['writes refused', 'writes go on'])
  })

  test('while a segment is begun: the old one takes writes again when there is room', async () => {
    let full = false
    const { directory, engine, log } = await setup((operation, path) => {
      if (full && operation === 'truncate' && !path.endsWith('0000.log'))
        throw systemError('ENOSPC')
    })
    await log.append(values('x'.repeat(250)), 'all')
    full = true
    await expect(log.append(values('y'.repeat(250)), 'all')).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
    expect(log.stats().segments).toBe(1)
    full = false
    await log.append(values('z'.repeat(250)), 'all')
    expect(log.stats().segments).toBe(2)
    const records = await readAll(await reopened(engine, directory))
    expect(textsOf(records).map((text) => text[0])).toEqual(['x', 'z'])
  })
})

describe('other failures of a write', () => {
  const cases = { EMFILE: 'TOO_MANY_FILES', EROFS: 'STORAGE_ERROR', EIO: 'STORAGE_ERROR' } as const
  for (const [code, expected] of Object.entries(cases)) {
    test(`${code} is answered with ${expected}`, async () => {
      const { log } = await setup((operation) => {
        if (operation === 'write') throw systemError(code)
      })
      const append = log.append(values('a'), 'leader')
      await expect(append).rejects.toMatchObject({ code: expected, retryable: true })
      expect(log.offsets().next).toBe(0)
    })
  }

  test('that cannot be taken back: outcome unknown, and the log is fenced', async () => {
    let failing = false
    const { directory, engine, log } = await setup((operation) => {
      if (failing && operation !== 'datasync') throw systemError('EIO')
    })
    await log.append(values('before'), 'all')
    failing = true
    const lost = log.append(values('lost'), 'leader')
    await expect(lost).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    failing = false
    const after = log.append(values('after'), 'leader')
    await expect(after).rejects.toMatchObject({ code: 'LOG_FENCED' })
    expect(textsOf(await readAll(log))).toEqual(['before'])
    expect(textsOf(await readAll(await reopened(engine, directory)))).toEqual(['before'])
  })

  test('files that cannot be opened refuse the write and nothing else', async () => {
    let out = false
    const directory = temporaryDirectory()
    const fileSystem = fileSystemWith(
      {
        open: (path, options) => {
          if (out) throw systemError('EMFILE')
          return unsyncedFileSystem.open(path, options)
        },
      },
      unsyncedFileSystem,
    )
    const engine = await openTestEngine({ directory, fileSystem, options: { tailCacheBytes: 0 } })
    const log = await engine.open('logs/0', SMALL)
    out = true
    const tooMany = { code: 'TOO_MANY_FILES' }
    await expect(log.append(values('a'), 'all')).rejects.toMatchObject(tooMany)
    out = false
    await log.append(values('b'), 'all')
    await log.close()
    const again = await engine.open('logs/0', SMALL)
    out = true
    await expect(again.read(offset(0), EVERYTHING)).rejects.toMatchObject(tooMany)
    out = false
    expect(textsOf(await readAll(again))).toEqual(['b'])
  })
})

describe('failed sync', () => {
  test('fences the log until it is reopened', async () => {
    let failing = false
    const { engine, log, lines } = await setup((operation, path) => {
      if (failing && operation === 'datasync' && path.endsWith('.log')) throw systemError('EIO')
    })
    await log.append(values('synced'), 'all')
    failing = true
    const fenced = { code: 'LOG_FENCED' }
    const waiting = range(3).map((i) => log.append(values(`lost${i}`), 'all'))
    for (const append of waiting) await expect(append).rejects.toMatchObject(fenced)
    failing = false
    await expect(log.append(values('a'), 'leader')).rejects.toMatchObject(fenced)
    await expect(log.sync()).rejects.toMatchObject(fenced)
    expect(log.offsets().durable).toBe(1)
    expect(textsOf(await readAll(log))[0]).toBe('synced')
    expect(lines.map((line) => line.message)).toContain('log fenced')
    await log.close()
    const again = await engine.open('logs/0', SMALL)
    const { next } = again.offsets()
    expect((await again.append(values('on'), 'all')).baseOffset).toBe(next)
  })

  test('of the timer fences as well', async () => {
    let failed: () => void = () => undefined
    const syncFailed = new Promise<void>((resolve) => {
      failed = resolve
    })
    const { log, clock } = await setup((operation, path) => {
      if (operation !== 'datasync' || !path.endsWith('.log')) return
      failed()
      throw systemError('EIO')
    })
    await log.append(values('a'), 'leader')
    clock.advance(1000)
    await syncFailed
    await new Promise((resolve) => setImmediate(resolve))
    await expect(log.append(values('b'), 'leader')).rejects.toMatchObject({ code: 'LOG_FENCED' })
  })

  test('leaves no clean mark, so that the next opening looks again', async () => {
    const { directory, engine, log } = await setup((operation, path) => {
      if (operation === 'datasync' && path.endsWith('.log')) throw systemError('EIO')
    })
    await expect(log.append(values('a'), 'all')).rejects.toMatchObject({ code: 'LOG_FENCED' })
    await engine.close()
    const { platform, lines } = testPlatform()
    const next = await openTestEngine({ directory, platform, fileSystem: unsyncedFileSystem })
    const torn = join(directory, 'logs/0/00000000000000000000.log')
    const handle = await unsyncedFileSystem.open(torn, { mode: 'write' })
    await handle.write(Buffer.from('half a record'), await handle.size())
    await handle.close()
    await next.open('logs/0', SMALL)
    expect(lines.map((line) => line.message)).toEqual(['torn tail cut off'])
  })
})
