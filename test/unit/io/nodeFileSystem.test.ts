import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nodeFileSystem, readWholeFile, writeFileAtomically } from '../../../src/io/index.ts'
import { fileSystemWith, handleWith } from '../log/support.ts'

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'goqueue-io-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

describe('the real disk', () => {
  test('writes at a position, reads from one, and says how much there was', async () => {
    const path = join(temporary(), 'f')
    const file = await nodeFileSystem.open(path, { mode: 'create' })
    await file.write(Buffer.from('hello world'), 0)
    await file.write(Buffer.from('W'), 6)
    await file.datasync()
    const into = Buffer.alloc(20)
    expect(await file.read(into, 6)).toBe(5)
    expect(into.toString('utf8', 0, 5)).toBe('World')
    expect(await file.read(into, 11)).toBe(0)
    expect(await file.read(Buffer.alloc(0), 0)).toBe(0)
    await file.write(Buffer.alloc(0), 0)
    await file.truncate(5)
    expect(await file.size()).toBe(5)
    await file.close()
    expect(readFileSync(path, 'utf8')).toBe('hello')
  })

  test('reads what is larger than what is read on the spot', async () => {
    const path = join(temporary(), 'f')
    const bytes = Buffer.alloc(1_000_000, 'abc')
    writeFileSync(path, bytes)
    const file = await nodeFileSystem.open(path, { mode: 'read' })
    const into = Buffer.alloc(bytes.length)
    expect(await file.read(into, 0)).toBe(bytes.length)
    expect(into.equals(bytes)).toBe(true)
    expect(await file.read(into, 1)).toBe(bytes.length - 1)
    await file.close()
  })

  test('a chain of quick reads lets the event loop turn', async () => {
    const path = join(temporary(), 'f')
    writeFileSync(path, Buffer.alloc(64))
    const file = await nodeFileSystem.open(path, { mode: 'read' })
    let turned = false
    setImmediate(() => {
      turned = true
    })
    const into = Buffer.alloc(64)
    // All of them take some 10 ms; a turn may hold 2 ms of them.
    for (let i = 0; i < 4_000 && !turned; i += 1) {
      await file.read(into, 0)
    }
    expect(turned).toBe(true)
    await file.close()
  })

  test('opens for what was asked and creates only then', async () => {
    const path = join(temporary(), 'f')
    const missing = { code: 'ENOENT' }
    await expect(nodeFileSystem.open(path, { mode: 'read' })).rejects.toMatchObject(missing)
    await expect(nodeFileSystem.open(path, { mode: 'write' })).rejects.toMatchObject(missing)
    await (await nodeFileSystem.open(path, { mode: 'create' })).close()
    const reader = await nodeFileSystem.open(path, { mode: 'read' })
    await expect(reader.write(Buffer.from('x'), 0)).rejects.toMatchObject({ code: 'EBADF' })
    await reader.close()
  })

  test('lists, renames, removes', async () => {
    const directory = temporary()
    await nodeFileSystem.makeDirectory(join(directory, 'b/c'))
    await nodeFileSystem.makeDirectory(join(directory, 'b/c'))
    writeFileSync(join(directory, 'a'), '1')
    expect(await nodeFileSystem.list(directory)).toEqual([
      { name: 'a', isDirectory: false },
      { name: 'b', isDirectory: true },
    ])
    await nodeFileSystem.rename(join(directory, 'a'), join(directory, 'b/a'))
    await nodeFileSystem.syncDirectory(directory)
    expect(await nodeFileSystem.exists(join(directory, 'a'))).toBe(false)
    expect(await nodeFileSystem.exists(join(directory, 'b/a'))).toBe(true)
    expect(await nodeFileSystem.exists(join(directory, 'b/a/x'))).toBe(false)
    await nodeFileSystem.remove(join(directory, 'b/a'))
    await expect(nodeFileSystem.remove(join(directory, 'b/a'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
    await nodeFileSystem.removeTree(join(directory, 'b'))
    await nodeFileSystem.removeTree(join(directory, 'b'))
    await expect(nodeFileSystem.list(join(directory, 'b'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})

describe('atomic file', () => {
  test('replaces the whole content and leaves nothing beside it', async () => {
    const path = join(temporary(), 'f')
    expect(await readWholeFile(nodeFileSystem, path)).toBeUndefined()
    await writeFileAtomically(nodeFileSystem, path, Buffer.from('a long first content'))
    await writeFileAtomically(nodeFileSystem, path, Buffer.from('second'))
    expect(String(await readWholeFile(nodeFileSystem, path))).toBe('second')
    expect(existsSync(`${path}.tmp`)).toBe(false)
  })

  test('overwrites what a crash left of an earlier replacement', async () => {
    const path = join(temporary(), 'f')
    writeFileSync(`${path}.tmp`, 'x'.repeat(1000))
    await writeFileAtomically(nodeFileSystem, path, Buffer.from('new'))
    expect(statSync(path).size).toBe(3)
  })

  test('is synced before it takes the place of the old one, and its directory after', async () => {
    const directory = temporary()
    const steps: string[] = []
    const fileSystem = fileSystemWith({
      open: async (path, options) => {
        const inner = await nodeFileSystem.open(path, options)
        return handleWith(inner, {
          write: (bytes, position) => {
            steps.push('write')
            return inner.write(bytes, position)
          },
          datasync: async () => void steps.push('datasync'),
        })
      },
      rename: async () => void steps.push('rename'),
      syncDirectory: async (path) => void steps.push(path === directory ? 'directory' : path),
    })
    await writeFileAtomically(fileSystem, join(directory, 'f'), Buffer.from('x'))
    expect(steps).toEqual(['write', 'datasync', 'rename', 'directory'])
  })

  test('leaves the old content where the new one cannot be written', async () => {
    const path = join(temporary(), 'f')
    await writeFileAtomically(nodeFileSystem, path, Buffer.from('old'))
    const full = fileSystemWith({
      open: async (file, options) =>
        handleWith(await nodeFileSystem.open(file, options), {
          write: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
        }),
    })
    const written = writeFileAtomically(full, path, Buffer.from('new'))
    await expect(written).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(String(await readWholeFile(nodeFileSystem, path))).toBe('old')
  })
})
