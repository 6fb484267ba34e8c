/** What an engine gives away for a backup while it goes on. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nodeFileSystem } from '../../../src/io/index.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { systemClock } from '../../../src/kernel/systemClock.ts'
import { offset } from '../../../src/kernel/units.ts'
import { type Capture, type LogEngine, openSegmentedEngine } from '../../../src/log/index.ts'
import { batchOf } from '../../../src/record/index.ts'

const VALUE = Buffer.alloc(1000, 7)

async function open() {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const platform = { clock: systemClock, random: Math.random, logger: silentLogger }
  const engine = await openSegmentedEngine({ directory, fileSystem: nodeFileSystem, platform })
  onTestFinished(() => engine.close())
  return { engine, directory }
}

async function capture(engine: LogEngine): Promise<Capture> {
  const captured = await engine.capture?.()
  if (captured === undefined) throw new Error('it can be captured')
  onTestFinished(() => captured.release())
  return captured
}

async function contentOf(captured: Capture, name: string): Promise<Buffer> {
  const file = captured.files.find((each) => each.name === name)
  if (file === undefined) throw new Error(`${name} is captured`)
  const chunks: Buffer[] = []
  for await (const chunk of captured.read(file)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const append = async (log: Awaited<ReturnType<LogEngine['open']>>, count = 1): Promise<void> => {
  for (let i = 0; i < count; i += 1) await log.append(batchOf({ value: VALUE }), 'leader')
}

describe('capture', () => {
  test('holds what there was, not what came since', async () => {
    const { engine } = await open()
    const log = await engine.open('topics/a~1/0', { segmentBytes: 64 * 1024 })
    await append(log, 3)
    await engine.blobs.put('state/m/snapshot', Buffer.from('before'))
    const captured = await capture(engine)
    await append(log, 2)
    await engine.blobs.put('state/m/snapshot', Buffer.from('after it'))
    await engine.open('topics/b~2/0', { segmentBytes: 64 * 1024 })
    const name = 'topics/a~1/0/00000000000000000000.log'
    expect(captured.files.map((file) => file.name).sort()).toEqual([
      ...['FORMAT', 'state/m/snapshot', name],
    ])
    const { bytes } = await log.read(offset(0), { maxBytes: 1e6, maxRecords: 3 })
    expect(await contentOf(captured, name)).toEqual(bytes)
    expect((await contentOf(captured, 'state/m/snapshot')).toString()).toBe('before')
  })

  test('puts removals off until it is released', async () => {
    const { engine, directory } = await open()
    const segmentBytes = 4096
    const kept = await engine.open('topics/a~1/0', { segmentBytes })
    const gone = await engine.open('topics/b~2/0', { segmentBytes })
    await append(kept, 12)
    await append(gone)
    const captured = await capture(engine)
    const files = async (): Promise<number> =>
      (await readdir(join(directory, 'topics/a~1/0'))).filter((name) => name.endsWith('.log'))
        .length
    const before = await files()
    expect(await kept.truncateBefore(offset(12))).toBeGreaterThan(0)
    await gone.close()
    await engine.remove('topics/b~2')
    expect(await files()).toBe(before)
    for (const { name, sizeBytes } of captured.files) {
      expect((await contentOf(captured, name)).length, name).toBe(sizeBytes)
    }
    await captured.release()
    expect(await files()).toBe(1)
    expect(await engine.list('topics')).toEqual(['a~1'])
  })

  test('goes on while blobs are replaced without end, and holds one of them whole', async () => {
    const { engine } = await open()
    let isOver = false
    const writing = (async () => {
      for (let i = 0; !isOver; i += 1) {
        await engine.blobs.put('state/m/snapshot', Buffer.alloc(10_000 + i, i & 255))
      }
    })()
    for (let i = 0; i < 5; i += 1) {
      const captured = await capture(engine)
      const blob = captured.files.find(({ name }) => name === 'state/m/snapshot')
      if (blob !== undefined) {
        const bytes = await contentOf(captured, blob.name)
        const number = bytes.length - 10_000
        expect(bytes.every((byte) => byte === (number & 255))).toBe(true)
      }
      await captured.release()
    }
    isOver = true
    await writing
  })

  test('takes along the records of a log that would not open', async () => {
    const { engine, directory } = await open()
    const log = await engine.open('topics/a~1/0', { segmentBytes: 4096 })
    await append(log)
    await log.close()
    const captured = await capture(engine)
    const name = 'topics/a~1/0/00000000000000000000.log'
    expect(captured.files).toContainEqual({ name, sizeBytes: expect.any(Number), isUnopened: true })
    expect(await readdir(join(directory, 'topics/a~1/0'))).toContain('00000000000000000000.log')
  })
})
