import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../src/log/segmented/byteBudget.ts'
import { DirectoryTree } from '../../../src/log/segmented/directoryTree.ts'
import { Flusher } from '../../../src/log/segmented/flusher.ts'
import { IndexCache } from '../../../src/log/segmented/indexCache.ts'
import {
  parseSegmentFileName,
  segmentFileName,
  tornFileName,
} from '../../../src/log/segmented/names.ts'
import { storageError } from '../../../src/log/segmented/storageError.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { fileSystemWith } from './support.ts'

describe('segment file names', () => {
  test('sort as their offsets do, and come back from their parts', () => {
    for (const base of [0, 7, 123_456_789_012, Number.MAX_SAFE_INTEGER]) {
      const name = segmentFileName(base, 'timeindex')
      expect(name).toMatch(/^\d{20}\.timeindex$/)
      expect(parseSegmentFileName(name)).toEqual({ baseOffset: base, kind: 'timeindex' })
    }
    expect(segmentFileName(9, 'log') < segmentFileName(10, 'log')).toBe(true)
  })

  test('are not what other files are called', () => {
    const others = ['1.log', 'LOCK', '00000000000000000000.log.tmp', '99999999999999999999.log']
    for (const name of [...others, tornFileName(0, 12), '00000000000000000000.txt']) {
      expect(parseSegmentFileName(name), name).toBeUndefined()
    }
  })
})

describe('byte budget', () => {
  test('lets the first in, whatever its size, and refuses what is too much beside it', () => {
    const budget = new ByteBudget(100)
    budget.take(500)
    expect(() => budget.take(1)).toThrow('500 bytes wait')
    budget.giveBack(500)
    budget.take(60)
    budget.take(40)
    expect(() => budget.take(1)).toThrow('100 bytes wait')
    expect(budget.usedBytes).toBe(100)
  })
})

describe('storage errors', () => {
  test('carry the code of the table, what was being done, and their cause', () => {
    const cause = Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' })
    expect(storageError(cause, 'append to x')).toMatchObject({
      code: 'DISK_FULL',
      message: 'append to x: ENOSPC: no space',
      cause,
    })
    expect(storageError('odd', 'x')).toMatchObject({ code: 'STORAGE_ERROR', message: 'x: odd' })
    const own = storageError(cause, 'a')
    expect(storageError(own, 'b')).toBe(own)
  })
})

describe('directory tree', () => {
  function setup() {
    const synced: string[] = []
    const made: string[] = []
    let failing = false
    const fileSystem = fileSystemWith({
      makeDirectory: async (path) => void made.push(path),
      syncDirectory: async (path) => {
        if (failing) throw new Error('EIO')
        synced.push(path)
      },
    })
    const fail = (value: boolean): void => {
      failing = value
    }
    return { tree: new DirectoryTree(fileSystem, '/data/'), synced, made, fail }
  }

  test('syncs a directory and those above it, up to the root, once', async () => {
    const { tree, synced, made } = setup()
    await tree.make('topics/a/0')
    await tree.make('topics/a/0')
    expect(made).toEqual(['/data/topics/a/0'])
    await tree.settle('topics/a/0')
    await tree.settle('topics/a/0')
    expect(synced.sort()).toEqual(['/data', '/data/topics', '/data/topics/a', '/data/topics/a/0'])
  })

  test('syncs again what changed since, and nothing else', async () => {
    const { tree, synced } = setup()
    await tree.make('topics/a/0')
    await tree.settle('topics/a/0')
    synced.length = 0
    tree.changed('topics/a/0')
    await tree.settle('topics/a/0')
    expect(synced).toEqual(['/data/topics/a/0'])
    await tree.make('topics/a/1')
    synced.length = 0
    await tree.settle('topics/a/0')
    expect(synced.sort()).toEqual(['/data', '/data/topics', '/data/topics/a'])
  })

  test('does not count a sync that failed', async () => {
    const { tree, synced, fail } = setup()
    fail(true)
    await expect(tree.settle('a')).rejects.toThrow('EIO')
    fail(false)
    await tree.settle('a')
    expect(synced.sort()).toEqual(['/data', '/data/a'])
  })

  test('forgets what was removed', async () => {
    const { tree, made } = setup()
    await tree.make('a/b')
    await tree.make('ab')
    tree.removed('a')
    await tree.make('a/b')
    await tree.make('ab')
    expect(made).toEqual(['/data/a/b', '/data/ab', '/data/a/b'])
  })
})

describe('flusher', () => {
  test('flushes all that was marked when the interval is over, each once', async () => {
    const clock = new FakeClock()
    const flusher = new Flusher(clock, 1000)
    const flushed: string[] = []
    const log = (name: string) => ({ flush: async () => void flushed.push(name) })
    const [a, b] = [log('a'), log('b')]
    flusher.mark(a)
    clock.advance(600)
    flusher.mark(b)
    flusher.mark(a)
    expect([flushed, clock.pendingTimers]).toEqual([[], 1])
    clock.advance(400)
    await flusher.stop()
    expect(flushed).toEqual(['a', 'b'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('does not flush what was unmarked or stopped', async () => {
    const clock = new FakeClock()
    const flusher = new Flusher(clock, 1000)
    const never = { flush: () => Promise.reject(new Error('flushed')) }
    flusher.mark(never)
    flusher.unmark(never)
    clock.advance(1000)
    flusher.mark(never)
    await flusher.stop()
    clock.advance(5000)
    expect(clock.pendingTimers).toBe(0)
  })

  test('flushes a few logs at a time', async () => {
    const clock = new FakeClock()
    const flusher = new Flusher(clock, 1000)
    let running = 0
    let most = 0
    const log = () => ({
      flush: async () => {
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
      },
    })
    for (let i = 0; i < 40; i += 1) flusher.mark(log())
    clock.advance(1000)
    await flusher.stop()
    expect([most, running]).toEqual([4, 0])
  })
})

describe('index cache', () => {
  test('makes the longest unused forget when there is too much', () => {
    const cache = new IndexCache(100)
    const forgotten: string[] = []
    const member = (name: string, bytes: number) => {
      const self = {
        forget: () => {
          forgotten.push(name)
          cache.remove(self, bytes)
        },
      }
      cache.add(self, bytes)
      return self
    }
    const a = member('a', 40)
    member('b', 40)
    cache.touch(a)
    member('c', 40)
    expect(forgotten).toEqual(['b'])
    expect(cache.usedBytes).toBe(80)
    member('d', 500)
    expect(forgotten).toEqual(['b', 'a', 'c'])
    expect(cache.usedBytes).toBe(500)
  })
})
