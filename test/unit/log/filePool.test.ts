import { describe, expect, test } from 'vitest'
import type { FileHandle, FileSystem } from '../../../src/io/index.ts'
import { FilePool, PooledFile } from '../../../src/log/segmented/filePool.ts'
import { fileSystemWith } from './support.ts'

const refuse = (code: string): Error => Object.assign(new Error(code), { code })

/** A disk that only counts who is open. */
function countingDisk() {
  const open = new Set<string>()
  const synced: string[] = []
  const disk = { open, synced, opens: 0, limit: Number.POSITIVE_INFINITY, syncFails: false }
  const fileSystem: FileSystem = fileSystemWith({
    async open(path): Promise<FileHandle> {
      await Promise.resolve()
      if (open.size >= disk.limit) throw refuse('EMFILE')
      open.add(path)
      disk.opens += 1
      return {
        write: async () => undefined,
        read: async () => 0,
        datasync: async () => {
          if (disk.syncFails) throw refuse('EIO')
          synced.push(path)
        },
        truncate: async () => undefined,
        size: async () => 7,
        close: async () => {
          open.delete(path)
        },
      }
    },
  })
  return { disk, fileSystem }
}

const file = (path: string): PooledFile => new PooledFile(path, 'create')
const nothing = async (): Promise<void> => undefined

/** A task that lasts until it is told to end. */
function lasting() {
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { end, task: () => ended }
}

describe('file pool', () => {
  test('opens a file once for all who use it at the same time', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 4)
    const a = file('a')
    await Promise.all([pool.use(a, nothing), pool.use(a, nothing), pool.use(a, nothing)])
    await pool.use(a, nothing)
    expect(disk.opens).toBe(1)
    expect(pool.held).toBe(1)
  })

  test('wakes who waits for room, at whatever moment a file becomes idle', async () => {
    const { fileSystem } = countingDisk()
    for (let turns = 0; turns < 12; turns += 1) {
      const pool = new FilePool(fileSystem, 1)
      const busy = file('busy')
      await pool.use(busy, nothing)
      const using = pool.use(busy, async () => {
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      })
      await pool.use(file('waiting'), nothing)
      await using
      expect(pool.held, `after ${turns} turns`).toBe(1)
    }
  })

  test('closes the file longest idle when it is full', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 2)
    const [a, b, c] = [file('a'), file('b'), file('c')] as const
    await pool.use(a, nothing)
    await pool.use(b, nothing)
    await pool.use(a, nothing)
    await pool.use(c, nothing)
    expect([...disk.open]).toEqual(['a', 'c'])
  })

  test('never holds more than its number, however many want in', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 3)
    let most = 0
    const use = (i: number): Promise<void> =>
      pool.use(file(`${i}`), async () => {
        most = Math.max(most, disk.open.size)
        await Promise.resolve()
      })
    await Promise.all(Array.from({ length: 50 }, (_, i) => use(i)))
    expect(most).toBe(3)
    expect(pool.held).toBeLessThanOrEqual(3)
  })

  test('waits while all files are in use', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 1)
    const { end, task } = lasting()
    const using = pool.use(file('a'), task)
    const waiting = pool.use(file('b'), async () => [...disk.open])
    end()
    await using
    expect(await waiting).toEqual(['b'])
  })

  test('syncs a file with unsynced bytes before it closes it, and prefers a clean one', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 2)
    const [dirty, clean] = [file('dirty'), file('clean')]
    await pool.use(dirty, nothing)
    dirty.dirty = true
    await pool.use(clean, nothing)
    await pool.use(file('c'), nothing)
    expect([...disk.open]).toEqual(['dirty', 'c'])
    await pool.close(dirty)
    expect(disk.synced).toEqual(['dirty'])
  })

  test('tells when the sync before a close fails', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 1)
    const dirty = file('dirty')
    const failures: unknown[] = []
    dirty.onSyncFailed = (error) => failures.push(error)
    await pool.use(dirty, nothing)
    dirty.dirty = true
    disk.syncFails = true
    await pool.use(file('b'), nothing)
    expect(failures).toMatchObject([{ code: 'EIO' }])
    expect([...disk.open]).toEqual(['b'])
  })

  test('gives idle files back where the system has no descriptor left, and only then gives up', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 100)
    await pool.use(file('a'), nothing)
    disk.limit = 1
    await pool.use(file('b'), nothing)
    expect([...disk.open]).toEqual(['b'])
    const { end, task } = lasting()
    const using = pool.use(file('c'), task)
    await expect(pool.use(file('d'), nothing)).rejects.toMatchObject({ code: 'EMFILE' })
    end()
    await using
    await pool.use(file('d'), nothing)
    expect(pool.held).toBe(1)
  })

  test('closes for good when the last user is gone, and refuses from then on', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 4)
    const a = file('a')
    const { end, task } = lasting()
    const using = pool.use(a, task)
    const closing = pool.close(a)
    await expect(pool.use(a, nothing)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    expect([...disk.open]).toEqual(['a'])
    end()
    await Promise.all([using, closing])
    await pool.close(a)
    expect(pool.held).toBe(0)
  })

  test('releases an idle, clean file and opens it again when it is used', async () => {
    const { disk, fileSystem } = countingDisk()
    const pool = new FilePool(fileSystem, 4)
    const a = file('a')
    expect(await pool.sizeOf(a)).toBe(7)
    await pool.release(a)
    expect(disk.open.size).toBe(0)
    await pool.use(a, nothing)
    a.dirty = true
    await pool.release(a)
    expect(disk.open.size).toBe(1)
  })

  test('says 0 for the size of a file that is not there, and passes other errors on', async () => {
    const missing = fileSystemWith({ open: () => Promise.reject(refuse('ENOENT')) })
    expect(await new FilePool(missing, 1).sizeOf(file('a'))).toBe(0)
    const broken = fileSystemWith({ open: () => Promise.reject(refuse('EIO')) })
    const pool = new FilePool(broken, 1)
    await expect(pool.sizeOf(file('a'))).rejects.toMatchObject({ code: 'EIO' })
    expect(pool.held).toBe(0)
  })
})
