import { describe, expect, test } from 'vitest'
import type { FileHandle, FileSystem } from '../../../src/io/index.ts'
import { SimulatedDisk } from '../../support/simulatedDisk.ts'

const SEEDS = Array.from({ length: 120 }, (_, index) => index + 1)

/** A disk with an empty directory /d whose name is durable. */
async function emptyDisk(seed = 1): Promise<{ disk: SimulatedDisk; files: FileSystem }> {
  const disk = new SimulatedDisk(seed)
  const files = disk.mount()
  await files.makeDirectory('/d')
  await files.syncDirectory('/')
  return { disk, files }
}

/** The same with an empty file /d/a whose name is durable. */
async function diskWithFile(
  seed = 1,
): Promise<{ disk: SimulatedDisk; files: FileSystem; a: FileHandle }> {
  const { disk, files } = await emptyDisk(seed)
  const a = await files.open('/d/a', { mode: 'create' })
  await files.syncDirectory('/d')
  return { disk, files, a }
}

const filled = (length: number, byte: number): Buffer => Buffer.alloc(length, byte)

async function content(disk: SimulatedDisk, path: string): Promise<Buffer> {
  const file = await disk.mount().open(path, { mode: 'read' })
  const bytes = Buffer.alloc(await file.size())
  expect(await file.read(bytes, 0)).toBe(bytes.length)
  await file.close()
  return bytes
}

/** What is left of three pages of ones. */
function shapeOf(bytes: Buffer): string {
  if (bytes.length === 0) return 'gone'
  if (!bytes.includes(1)) return 'zeros'
  if (!bytes.includes(0)) return bytes.length === 4096 * 3 ? 'whole' : 'cut'
  return bytes.at(-1) === 1 ? 'hole' : 'zeros at the end'
}

/** What the seeds make of the same work: each distinct outcome once. */
async function outcomes(run: (seed: number) => Promise<string>): Promise<Set<string>> {
  return new Set(await Promise.all(SEEDS.map(run)))
}

describe('simulated file system', () => {
  test('reads what was written, zeros in a hole and nothing behind the end', async () => {
    const { disk, a } = await diskWithFile()
    await a.write(Buffer.from('end'), 6)
    await a.write(Buffer.from('top'), 0)
    expect(await content(disk, '/d/a')).toEqual(Buffer.from('top\0\0\0end'))
    expect(await a.read(Buffer.alloc(4), 9)).toBe(0)
    expect(await a.read(Buffer.alloc(9), 7)).toBe(2)
  })

  test('truncates, and what grows again is zeros', async () => {
    const { disk, a } = await diskWithFile()
    await a.write(Buffer.from('abcdef'), 0)
    await a.truncate(2)
    await a.truncate(4)
    expect(await content(disk, '/d/a')).toEqual(Buffer.from('ab\0\0'))
  })

  test('answers a missing path with ENOENT', async () => {
    const { files } = await emptyDisk()
    await expect(files.open('/d/x', { mode: 'read' })).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.open('/d/x', { mode: 'write' })).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.open('/e/x', { mode: 'create' })).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.list('/e')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.remove('/d/x')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.rename('/d/x', '/d/y')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.syncDirectory('/e')).rejects.toMatchObject({ code: 'ENOENT' })
    await files.removeTree('/e')
    expect(await files.exists('/d/x')).toBe(false)
  })

  test('lists by name, makes missing parents and removes trees', async () => {
    const { files } = await emptyDisk()
    await files.makeDirectory('/d/c/e')
    for (const name of ['b', 'a'])
      await (await files.open(`/d/${name}`, { mode: 'create' })).close()
    expect(await files.list('/d')).toEqual([
      { name: 'a', isDirectory: false },
      { name: 'b', isDirectory: false },
      { name: 'c', isDirectory: true },
    ])
    await files.removeTree('/d')
    expect(await files.exists('/d')).toBe(false)
  })

  test('a rename replaces its target, and an open file outlives its name', async () => {
    const { disk, files, a } = await diskWithFile()
    await a.write(Buffer.from('new'), 0)
    const b = await files.open('/d/b', { mode: 'create' })
    await b.write(Buffer.from('old'), 0)
    await files.rename('/d/a', '/d/b')
    expect(await content(disk, '/d/b')).toEqual(Buffer.from('new'))
    expect(await files.exists('/d/a')).toBe(false)
    const into = Buffer.alloc(3)
    await b.read(into, 0)
    expect(into.toString()).toBe('old')
  })

  test('a closed handle and one opened for reading refuse to write', async () => {
    const { disk, files, a } = await diskWithFile()
    const reader = await files.open('/d/a', { mode: 'read' })
    await expect(reader.write(filled(1, 1), 0)).rejects.toMatchObject({ code: 'EBADF' })
    expect(disk.openFiles).toBe(2)
    await a.close()
    await expect(a.write(filled(1, 1), 0)).rejects.toMatchObject({ code: 'EBADF' })
    await expect(a.close()).rejects.toMatchObject({ code: 'EBADF' })
    expect(disk.openFiles).toBe(1)
  })
})

describe('power loss', () => {
  test('what was synced, file and name, survives under every seed', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, a } = await diskWithFile(seed)
      await a.write(filled(10_000, 7), 0)
      await a.datasync()
      await a.write(filled(10_000, 8), 10_000)
      disk.powerLoss()
      return String((await content(disk, '/d/a')).subarray(0, 10_000).equals(filled(10_000, 7)))
    })
    expect(survivors).toEqual(new Set(['true']))
  })

  test('what was not synced may be gone, whole, cut anywhere, or have holes of zeros', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, a } = await diskWithFile(seed)
      await a.write(filled(4096 * 3, 1), 0)
      disk.powerLoss()
      return shapeOf(await content(disk, '/d/a'))
    })
    expect(survivors).toEqual(
      new Set(['gone', 'whole', 'cut', 'zeros', 'hole', 'zeros at the end']),
    )
  })

  test('a page is torn at its sectors only: old and new never mix within 512 bytes', async () => {
    let torn = 0
    for (const seed of SEEDS) {
      const { disk, a } = await diskWithFile(seed)
      await a.write(filled(4096, 1), 0)
      await a.datasync()
      await a.write(filled(4096, 2), 0)
      disk.cutAt(disk.boundaries + 1)
      await expect(a.write(filled(4096, 3), 4096)).rejects.toThrow('EIO')
      const page = (await content(disk, '/d/a')).subarray(0, 4096)
      const edges = [...page.keys()].filter((at) => at > 0 && page[at] !== page[at - 1])
      if (edges.length > 0 && edges.every((at) => at % 512 === 0)) torn += 1
    }
    expect(torn).toBeGreaterThan(0)
  })

  test('a write over synced bytes leaves those that it does not change', async () => {
    for (const seed of SEEDS) {
      const { disk, a } = await diskWithFile(seed)
      await a.write(filled(100, 1), 0)
      await a.datasync()
      await a.write(filled(100, 2), 100)
      disk.powerLoss()
      expect((await content(disk, '/d/a')).subarray(0, 100).equals(filled(100, 1))).toBe(true)
    }
  })

  test('later writes may survive where earlier ones are lost', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, a } = await diskWithFile(seed)
      await a.write(filled(4096, 1), 0)
      await a.write(filled(4096, 2), 4096)
      disk.powerLoss()
      const bytes = await content(disk, '/d/a')
      return `${bytes[0] ?? '-'}${bytes[4096] ?? '-'}`
    })
    for (const expected of ['--', '1-', '12', '02']) expect(survivors).toContain(expected)
  })

  test('a truncation that was not synced may come undone, one that was may not', async () => {
    const sizes = async (sync: boolean): Promise<Set<string>> =>
      outcomes(async (seed) => {
        const { disk, a } = await diskWithFile(seed)
        await a.write(filled(9000, 1), 0)
        await a.datasync()
        await a.truncate(10)
        if (sync) await a.datasync()
        disk.powerLoss()
        return String((await content(disk, '/d/a')).length)
      })
    expect(await sizes(false)).toEqual(new Set(['10', '9000']))
    expect(await sizes(true)).toEqual(new Set(['10']))
  })

  test('what a settled truncation cut off does not come back behind a later write', async () => {
    for (const seed of SEEDS) {
      const { disk, a } = await diskWithFile(seed)
      await a.write(filled(3 * 4096, 1), 0)
      await a.datasync()
      await a.truncate(0)
      await a.datasync()
      await a.write(filled(10, 2), 2 * 4096)
      disk.powerLoss()
      expect((await content(disk, '/d/a')).includes(1)).toBe(false)
    }
  })

  test('a sync covers what had happened when it began, not what was written meanwhile', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, a } = await diskWithFile(seed)
      await a.write(Buffer.from('a'), 0)
      const gate = disk.hold({ operation: 'datasync' })
      const synced = a.datasync()
      await gate.reached
      await a.write(Buffer.from('b'), 1)
      gate.open()
      await synced
      disk.powerLoss()
      return (await content(disk, '/d/a')).toString()
    })
    expect(survivors).toContain('a')
    expect(survivors).toContain('ab')
    expect([...survivors].every((text) => text.startsWith('a'))).toBe(true)
  })

  test('a new file, its name not synced, may be missing though its data was', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, files } = await emptyDisk(seed)
      const b = await files.open('/d/b', { mode: 'create' })
      await b.write(Buffer.from('data'), 0)
      await b.datasync()
      disk.powerLoss()
      return String(await disk.mount().exists('/d/b'))
    })
    expect(survivors).toEqual(new Set(['true', 'false']))
  })

  test('a directory whose name was not synced takes with it what is inside', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, files } = await emptyDisk(seed)
      await files.makeDirectory('/d/e')
      await (await files.open('/d/e/f', { mode: 'create' })).close()
      await files.syncDirectory('/d/e')
      disk.powerLoss()
      const next = disk.mount()
      return `${await next.exists('/d/e')} ${await next.exists('/d/e/f')}`
    })
    expect(survivors).toEqual(new Set(['true true', 'false false']))
  })

  test('a rename leaves the old or the new under a name, never neither', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, files, a } = await diskWithFile(seed)
      await a.write(Buffer.from('old'), 0)
      await a.datasync()
      const next = await files.open('/d/a.new', { mode: 'create' })
      await next.write(Buffer.from('new'), 0)
      await next.datasync()
      await files.rename('/d/a.new', '/d/a')
      disk.powerLoss()
      return `${await content(disk, '/d/a')} ${await disk.mount().exists('/d/a.new')}`
    })
    expect(survivors).toEqual(new Set(['old true', 'old false', 'new false']))
  })

  test('removals in one directory survive independently until it is synced', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, files } = await emptyDisk(seed)
      for (const name of ['a', 'b']) {
        await (await files.open(`/d/${name}`, { mode: 'create' })).close()
      }
      await files.syncDirectory('/d')
      await files.remove('/d/a')
      await files.remove('/d/b')
      disk.powerLoss()
      return (await disk.mount().list('/d')).map((entry) => entry.name).join('')
    })
    expect(survivors).toEqual(new Set(['', 'a', 'b', 'ab']))
  })

  test('a cross-directory rename is made durable by a sync of either side', async () => {
    for (const seed of SEEDS) {
      const { disk, files } = await diskWithFile(seed)
      await files.makeDirectory('/e')
      await files.syncDirectory('/')
      await (await files.open('/d/b', { mode: 'create' })).close()
      await files.rename('/d/b', '/e/b')
      await files.syncDirectory('/e')
      disk.powerLoss()
      expect(disk.paths()).toEqual(['/d/a', '/e/b'])
    }
  })

  test('a tree may be removed in part', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, files } = await emptyDisk(seed)
      await files.makeDirectory('/d/e')
      for (const name of ['x', 'y']) {
        await (await files.open(`/d/e/${name}`, { mode: 'create' })).close()
      }
      await files.syncDirectory('/d/e')
      await files.syncDirectory('/d')
      disk.cutAt(disk.boundaries + 3)
      await expect(files.removeTree('/d/e')).rejects.toMatchObject({ code: 'EIO' })
      return disk.paths().join(' ')
    })
    expect(survivors).toContain('/d/e/y')
    expect(survivors).toContain('/d/e/x /d/e/y')
  })

  test('the same seed gives the same outcome', async () => {
    const run = async (seed: number): Promise<string> => {
      const { disk, a } = await diskWithFile(seed)
      await Promise.all([a.write(filled(9000, 1), 0), a.write(filled(9000, 2), 5000)])
      disk.powerLoss()
      return (await content(disk, '/d/a')).toString('hex')
    }
    for (const seed of SEEDS.slice(0, 20)) expect(await run(seed)).toBe(await run(seed))
  })
})

describe('crash', () => {
  test('every call of the life that ended is refused, and the next life starts afresh', async () => {
    const { disk, files, a } = await diskWithFile()
    const down = disk.down
    disk.powerLoss()
    await down
    const dead = { code: 'EIO' }
    await expect(a.write(filled(1, 1), 0)).rejects.toMatchObject(dead)
    await expect(a.read(filled(1, 1), 0)).rejects.toMatchObject(dead)
    await expect(a.datasync()).rejects.toMatchObject(dead)
    await expect(files.list('/d')).rejects.toMatchObject(dead)
    await expect(files.makeDirectory('/d/x')).rejects.toMatchObject(dead)
    expect(disk.openFiles).toBe(0)
    expect(await disk.mount().exists('/d/a')).toBe(true)
  })

  test('of the process keeps what was written, synced or not', async () => {
    for (const seed of SEEDS) {
      const { disk, files } = await emptyDisk(seed)
      const b = await files.open('/d/b', { mode: 'create' })
      await b.write(filled(5000, 3), 0)
      disk.processCrash()
      expect((await content(disk, '/d/b')).equals(filled(5000, 3))).toBe(true)
    }
  })

  test('comes at the boundary that was asked for, with its operation done, half done or not', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, a } = await diskWithFile(seed)
      disk.cutAt(disk.boundaries + 3, 'process')
      await a.write(Buffer.from('first'), 0)
      await expect(a.write(Buffer.from('second'), 5)).rejects.toMatchObject({ code: 'EIO' })
      return (await content(disk, '/d/a')).toString()
    })
    expect(survivors).toContain('first')
    expect(survivors).toContain('firstsec')
    expect(survivors).toContain('firstsecond')
  })

  test('at the end of an operation finds it done though its caller was not told', async () => {
    for (const seed of SEEDS) {
      const { disk, a } = await diskWithFile(seed)
      await a.write(Buffer.from('x'), 0)
      disk.cutAt(disk.boundaries + 2)
      await expect(a.datasync()).rejects.toMatchObject({ code: 'EIO' })
      expect((await content(disk, '/d/a')).toString()).toBe('x')
    }
  })
})

describe('planned fault', () => {
  test('a full disk takes what fits and answers ENOSPC; freed space can be used again', async () => {
    const { disk, files, a } = await diskWithFile()
    disk.capacityBytes = 10
    await expect(a.write(filled(12, 1), 0)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await content(disk, '/d/a')).toEqual(filled(10, 1))
    await a.write(filled(10, 2), 0)
    await a.truncate(4)
    await a.write(filled(6, 3), 4)
    await files.remove('/d/a')
    expect(disk.usedBytes).toBe(0)
  })

  test('strikes the operations after the first ones, as often as planned, in part where it is a write', async () => {
    const { disk, a } = await diskWithFile()
    const fault = disk.fail({ operation: 'write', path: /a$/, code: 'ENOSPC', after: 1, times: 2 })
    await a.write(filled(100, 1), 0)
    await expect(a.write(filled(100, 1), 100)).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(a.write(filled(100, 1), 100)).rejects.toMatchObject({ code: 'ENOSPC' })
    await a.write(filled(1, 1), 100)
    expect(fault.hits).toBe(2)
    expect((await content(disk, '/d/a')).length).toBeGreaterThan(100)
  })

  test('a sync that failed may have lost what a later one then does not write', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, a } = await diskWithFile(seed)
      await a.write(Buffer.from('a'), 0)
      const fault = disk.fail({ operation: 'datasync', code: 'EIO' })
      await expect(a.datasync()).rejects.toMatchObject({ code: 'EIO' })
      fault.clear()
      expect((await content(disk, '/d/a')).toString()).toBe('a')
      await a.write(Buffer.from('b'), 1)
      await a.datasync()
      disk.powerLoss()
      return (await content(disk, '/d/a')).toString()
    })
    expect(survivors).toEqual(new Set(['ab', '\0b']))
  })

  test('handles are counted against the most that may be open', async () => {
    const { disk, files, a } = await diskWithFile()
    disk.openFilesMax = 1
    await expect(files.open('/d/a', { mode: 'read' })).rejects.toMatchObject({ code: 'EMFILE' })
    await expect(files.open('/d/b', { mode: 'create' })).rejects.toMatchObject({ code: 'EMFILE' })
    expect(await files.exists('/d/b')).toBe(false)
    await a.close()
    await (await files.open('/d/b', { mode: 'create' })).close()
  })

  test('a gate holds operations back until it is opened, and a crash sets them free', async () => {
    const { disk, a } = await diskWithFile()
    const gate = disk.hold({ operation: 'write' })
    const first = a.write(filled(1, 1), 0)
    await gate.reached
    expect(gate.waiting).toBe(1)
    expect(disk.file('/d/a').size).toBe(0)
    gate.open()
    await first
    expect(disk.file('/d/a').size).toBe(1)
    disk.hold({ operation: 'write' })
    const second = a.write(filled(1, 1), 1)
    disk.powerLoss()
    await expect(second).rejects.toMatchObject({ code: 'EIO' })
  })

  test('a failed sync of a directory leaves its names at risk', async () => {
    const survivors = await outcomes(async (seed) => {
      const { disk, files } = await emptyDisk(seed)
      await (await files.open('/d/b', { mode: 'create' })).close()
      disk.fail({ operation: 'syncDirectory', code: 'EIO' })
      await expect(files.syncDirectory('/d')).rejects.toMatchObject({ code: 'EIO' })
      disk.powerLoss()
      return String(await disk.mount().exists('/d/b'))
    })
    expect(survivors).toEqual(new Set(['true', 'false']))
  })
})
