import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nodeFileSystem } from '../../../src/io/index.ts'
import { offset } from '../../../src/kernel/units.ts'
import type { PartitionLog } from '../../../src/log/index.ts'
import {
  crashCopy,
  EVERYTHING,
  fileSystemWith,
  handleWith,
  openTestEngine,
  quietPlatform,
  readAll,
  temporaryDirectory,
  testPlatform,
  textsOf,
  unsyncedFileSystem,
  values,
} from '../../unit/log/support.ts'

const SMALL = { segmentBytes: 1000 }

describe('data directory', () => {
  test('is made where it is missing, and says its format', async () => {
    const directory = join(temporaryDirectory(), 'a/b/c')
    await openTestEngine({ directory })
    expect(JSON.parse(readFileSync(join(directory, 'FORMAT'), 'utf8'))).toEqual({ format: 2 })
  })

  test('belongs to one engine at a time', async () => {
    const directory = temporaryDirectory()
    const fileSystem = nodeFileSystem
    const engine = await openTestEngine({ directory, fileSystem })
    await expect(openTestEngine({ directory, fileSystem })).rejects.toMatchObject({
      code: 'DATA_DIR_LOCKED',
    })
    await engine.close()
    await (await openTestEngine({ directory, fileSystem })).close()
  })

  test('of a newer format is refused and left as it is', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'FORMAT'), '{"format":3}')
    await expect(openTestEngine({ directory })).rejects.toMatchObject({ code: 'FORMAT_TOO_NEW' })
    expect(readdirSync(join(directory, 'LOCK'))).toEqual([])
  })

  test('whose format is not readable is refused', async () => {
    for (const text of ['', '{', '[]', '{"format":"1"}', '{"format":0}', 'null']) {
      const directory = temporaryDirectory()
      writeFileSync(join(directory, 'FORMAT'), text)
      await expect(openTestEngine({ directory }), text).rejects.toMatchObject({
        code: 'STORAGE_ERROR',
      })
    }
  })

  test('has a clean mark only while nobody has it open', async () => {
    const directory = temporaryDirectory()
    const mark = join(directory, 'CLEAN')
    const engine = await openTestEngine({ directory })
    await (await engine.open('a', SMALL)).append(values('x'), 'all')
    expect(existsSync(mark)).toBe(false)
    await engine.close()
    expect(JSON.parse(readFileSync(mark, 'utf8'))).toEqual({ logs: ['a'] })
    await openTestEngine({ directory })
    expect(existsSync(mark)).toBe(false)
  })

  test('keeps the marks of logs that nobody opened', async () => {
    const directory = temporaryDirectory()
    const first = await openTestEngine({ directory })
    await first.open('a', SMALL)
    await first.open('b', SMALL)
    await first.close()
    const second = await openTestEngine({ directory })
    await second.open('c', SMALL)
    await second.remove('b')
    await second.close()
    expect(JSON.parse(readFileSync(join(directory, 'CLEAN'), 'utf8'))).toEqual({ logs: ['a', 'c'] })
  })

  test('where a file stands in the way is refused', async () => {
    const directory = join(temporaryDirectory(), 'file')
    writeFileSync(directory, '')
    await expect(openTestEngine({ directory })).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
  })
})

describe('group commit', () => {
  test('serves all who wait with few syncs and few writes', async () => {
    const counts = { write: 0, datasync: 0 }
    const fileSystem = fileSystemWith({
      open: async (path, options) => {
        const inner = await nodeFileSystem.open(path, options)
        if (!path.endsWith('.log')) return inner
        return handleWith(inner, {
          write: (bytes, position) => {
            counts.write += 1
            return inner.write(bytes, position)
          },
          datasync: () => {
            counts.datasync += 1
            return inner.datasync()
          },
        })
      },
    })
    const engine = await openTestEngine({ directory: temporaryDirectory(), fileSystem })
    const log = await engine.open('a', { segmentBytes: 1 << 20 })
    const appends = Array.from({ length: 500 }, (_, i) => log.append(values(`${i}`), 'all'))
    const results = await Promise.all(appends)
    expect(new Set(results.map((result) => result.durability))).toEqual(new Set(['disk']))
    expect(counts.write).toBeLessThanOrEqual(2)
    expect(counts.datasync).toBeLessThanOrEqual(2)
  })

  test('syncs what nobody asked for within the interval, by one timer, and none when all is synced', async () => {
    const { platform, clock } = testPlatform()
    let synced: (path: string) => void = () => undefined
    const fileSystem = fileSystemWith({
      open: async (path, options) => {
        const inner = await nodeFileSystem.open(path, options)
        const datasync = async (): Promise<void> => {
          await inner.datasync()
          synced(path)
        }
        return handleWith(inner, { datasync })
      },
    })
    const engine = await openTestEngine({ directory: temporaryDirectory(), platform, fileSystem })
    const logs = [await engine.open('a', SMALL), await engine.open('b', SMALL)]
    expect(clock.pendingTimers).toBe(0)
    for (const log of logs) await log.append(values('x'), 'leader')
    expect(clock.pendingTimers).toBe(1)
    const both = new Promise<void>((resolve) => {
      let count = 0
      synced = (path) => {
        if (path.endsWith('.log')) count += 1
        if (count === 2) resolve()
      }
    })
    clock.advance(1000)
    await both
    await Promise.all(logs.map((log) => log.sync()))
    expect(logs.map((log) => log.offsets().durable)).toEqual([1, 1])
    expect(clock.pendingTimers).toBe(0)
  })

  test('refuses more than may wait, and takes more when room was made', async () => {
    const engine = await openTestEngine({
      directory: temporaryDirectory(),
      options: { queuedBytesMax: 1000 },
    })
    const log = await engine.open('a', SMALL)
    const big = log.append(values('x'.repeat(2000)), 'leader')
    await expect(log.append(values('y'), 'leader')).rejects.toMatchObject({
      code: 'BROKER_OVERLOADED',
      retryAfterMs: 100,
    })
    await big
    expect((await log.append(values('z'), 'leader')).baseOffset).toBe(1)
  })
})

describe('open files', () => {
  const OPTIONS = { maxOpenFiles: 8, tailCacheBytes: 0 }

  test('stay within their number with many logs at work', async () => {
    let open = 0
    let most = 0
    const fileSystem = fileSystemWith(
      {
        open: async (path, options) => {
          const inner = await unsyncedFileSystem.open(path, options)
          open += 1
          most = Math.max(most, open)
          return handleWith(inner, {
            close: async () => {
              open -= 1
              await inner.close()
            },
          })
        },
      },
      unsyncedFileSystem,
    )
    const engine = await openTestEngine({
      directory: temporaryDirectory(),
      fileSystem,
      options: OPTIONS,
    })
    const work = async (path: string): Promise<PartitionLog> => {
      const log = await engine.open(path, SMALL)
      for (let i = 0; i < 10; i += 1) await log.append(values('x'.repeat(200)), 'all')
      expect(await readAll(log)).toHaveLength(10)
      return log
    }
    const logs = await Promise.all(Array.from({ length: 60 }, (_, i) => work(`log${i}`)))
    expect(most).toBeLessThanOrEqual(OPTIONS.maxOpenFiles)
    for (const log of logs) await log.close()
    expect(open).toBe(0)
  })

  test('are none for logs that were opened and not used', async () => {
    const directory = temporaryDirectory()
    const first = await openTestEngine({ directory })
    for (let i = 0; i < 20; i += 1) {
      await (await first.open(`log${i}`, SMALL)).append(values('x'), 'leader')
    }
    await first.close()
    for (const place of [directory, crashCopy(directory)]) {
      let open = 0
      const fileSystem = fileSystemWith({
        open: async (path, options) => {
          const inner = await nodeFileSystem.open(path, options)
          open += 1
          return handleWith(inner, {
            close: async () => {
              open -= 1
              await inner.close()
            },
          })
        },
      })
      const engine = await openTestEngine({ directory: place, fileSystem })
      const opened = Array.from({ length: 20 }, (_, i) => engine.open(`log${i}`, SMALL))
      expect((await Promise.all(opened)).every((log) => log.offsets().next === 1)).toBe(true)
      // After a crash the tail was written again and waits for its sync.
      expect(open).toBeLessThanOrEqual(place === directory ? 0 : 20)
    }
  })
})

describe('reads under way', () => {
  test('of a segment that retention takes finish, or say that it is gone', async () => {
    const engine = await openTestEngine({
      directory: temporaryDirectory(),
      options: { tailCacheBytes: 0 },
    })
    const log = await engine.open('a', SMALL)
    for (let i = 0; i < 50; i += 1) await log.append(values('x'.repeat(168)), 'leader')
    const reads = Array.from({ length: 45 }, (_, i) => log.read(offset(i), EVERYTHING))
    const removal = log.truncateBefore(offset(45))
    const late = log.read(offset(0), EVERYTHING)
    const outcomes = await Promise.allSettled([...reads, late])
    expect(await removal).toBe(45)
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') expect(outcome.value.count).toBeGreaterThan(0)
      else expect(outcome.reason).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    }
    expect(outcomes.some((outcome) => outcome.status === 'fulfilled')).toBe(true)
  })

  test('when the log is closed finish, or say that it is closed', async () => {
    const engine = await openTestEngine({
      directory: temporaryDirectory(),
      options: { tailCacheBytes: 0 },
    })
    const log = await engine.open('a', SMALL)
    for (let i = 0; i < 20; i += 1) await log.append(values('x'.repeat(168)), 'leader')
    const reads = Array.from({ length: 20 }, (_, i) => log.read(offset(i), EVERYTHING))
    await log.close()
    for (const outcome of await Promise.allSettled(reads)) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({ code: 'LOG_CLOSED' })
      }
    }
  })

  test('find what was damaged, and name file and position', async () => {
    const directory = temporaryDirectory()
    const engine = await openTestEngine({ directory, options: { tailCacheBytes: 0 } })
    const log = await engine.open('a', SMALL)
    for (let i = 0; i < 10; i += 1) await log.append(values('x'.repeat(168)), 'leader')
    const file = join(directory, 'a/00000000000000000000.log')
    const bytes = readFileSync(file)
    bytes[400] = 0
    writeFileSync(file, bytes)
    await expect(log.read(offset(2), EVERYTHING)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining(`${file} at 400`),
    })
    expect((await log.read(offset(5), EVERYTHING)).count).toBe(5)
  })
})

describe('retention', () => {
  test('goes on where a removal failed, and leaves no hole', async () => {
    let failing = true
    const directory = temporaryDirectory()
    const fileSystem = fileSystemWith(
      {
        remove: (path) => {
          if (failing) throw Object.assign(new Error('EIO'), { code: 'EIO' })
          return unsyncedFileSystem.remove(path)
        },
      },
      unsyncedFileSystem,
    )
    const engine = await openTestEngine({ directory, fileSystem })
    const log = await engine.open('a', SMALL)
    for (let i = 0; i < 50; i += 1) await log.append(values('x'.repeat(168)), 'leader')
    const failed = log.truncateBefore(offset(10))
    await expect(failed).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    expect(log.offsets().start).toBe(10)
    failing = false
    expect(await log.truncateBefore(offset(20))).toBe(20)
    expect(readdirSync(join(directory, 'a')).filter((name) => name.endsWith('.log'))).toHaveLength(
      6,
    )
  })
})

describe('many logs', () => {
  test('are opened quickly after a clean stop', async () => {
    const directory = temporaryDirectory()
    const fileSystem = unsyncedFileSystem
    const first = await openTestEngine({ directory, fileSystem })
    const paths = Array.from({ length: 300 }, (_, i) => `topics/t~1/${i}`)
    for (const path of paths) {
      await (await first.open(path, SMALL)).append(values('x'.repeat(5000), 'y'), 'leader')
    }
    await first.close()
    mkdirSync(join(directory, 'topics/t~1/empty'))
    const platform = quietPlatform()
    const second = await openTestEngine({ directory, fileSystem, platform })
    const logs = await Promise.all(paths.map((path) => second.open(path, SMALL)))
    expect(logs.every((log) => log.offsets().next === 2)).toBe(true)
    expect(textsOf(await readAll(logs[299] as PartitionLog))[1]).toBe('y')
    expect((await second.open('topics/t~1/empty', SMALL)).offsets().next).toBe(0)
  })
})
