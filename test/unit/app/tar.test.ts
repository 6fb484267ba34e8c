import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readTar, TarError, type TarFile, tarBytes, writeTar } from '../../../src/app/backup/tar.ts'
import { GiB, KiB } from '../../../src/kernel/units.ts'

const topic = 't'.repeat(249)
const FILES = [
  { name: 'FORMAT', content: Buffer.from('{"format":2}\n') },
  { name: 'state/empty', content: Buffer.alloc(0) },
  { name: `${'d'.repeat(90)}/${'f'.repeat(95)}`, content: Buffer.alloc(512, 1) },
  { name: `topics/${topic}~1/0/00000000000000000000.log`, content: Buffer.alloc(1500, 2) },
  { name: 'after/it', content: Buffer.from('x') },
]
const sized = FILES.map(({ name, content }) => {
  return { name, sizeBytes: content.length, content: [content] }
})

async function bytesOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}
const tarOf = (files: readonly TarFile[]) => bytesOf(writeTar(files, 1_700_000_000_000))

async function* pieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

async function read(tar: Buffer, pieceBytes = 4096) {
  const files: { name: string; content: Buffer }[] = []
  for await (const { name, sizeBytes, content } of readTar(pieces(tar, pieceBytes))) {
    files.push({ name, content: await bytesOf(content) })
    expect(files.at(-1)?.content.length).toBe(sizeBytes)
  }
  return files
}

describe('tar', () => {
  test.each([5, 7, 511, 512, 513, 4096, 1_000_000])(
    'is read back in pieces of %i bytes',
    async (size) => {
      expect(await read(await tarOf(sized), size)).toEqual(FILES)
    },
  )

  test('is as long as was said before', async () => {
    expect(await tarBytes(sized)).toBe((await tarOf(sized)).length)
    expect(await tarBytes([])).toBe(1024)
  })

  test.skipIf(spawnSync('tar', ['--version']).status !== 0)('is one for everybody', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'goqueue-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const input = await tarOf(sized)
    const { status } = spawnSync('tar', ['-xf', '-', '-C', directory], { input })
    expect(status).toBe(0)
    const found = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    for (const { name, content } of FILES) {
      expect(found).toContain(name)
      expect(readFileSync(join(directory, name))).toEqual(content)
    }
  })

  test('knows where it is none: any bit of a header', async () => {
    const tar = await tarOf(sized.slice(0, 1))
    for (let bit = 0; bit < 512 * 8; bit += 37) {
      const damaged = Buffer.from(tar)
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      // The sum is text with blanks around it; which blank is of no importance.
      if (bit >> 3 === 154 || bit >> 3 === 155) continue
      await expect(read(damaged), `bit ${bit}`).rejects.toThrow(TarError)
    }
  })

  test('has an end', async () => {
    const tar = await tarOf(sized)
    for (const missing of [1, 512, 1024, 1025, 1536, 2048, tar.length - 1]) {
      await expect(read(tar.subarray(0, -missing)), `${missing}`).rejects.toThrow(
        new TarError('its end is missing'),
      )
    }
  })

  test('holds files and nothing else', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'goqueue-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const { stdout } = spawnSync('tar', ['-cf', '-', '-C', directory, '.'])
    await expect(read(stdout)).rejects.toThrow('an entry of type directory is not ours')
  })

  test('takes a file of more than 8 GiB', async () => {
    const wanted = { name: 'long', sizeBytes: 9 * GiB, content: [Buffer.alloc(KiB)] }
    const written = writeTar([wanted], 0)
    const { value } = await written.next()
    await written.return(undefined)
    const files = readTar(pieces(Buffer.concat([value ?? Buffer.alloc(0), Buffer.alloc(512)]), 512))
    expect((await files.next()).value).toMatchObject({ name: 'long', sizeBytes: 9 * GiB })
    await files.return(undefined)
    expect(await tarBytes([wanted])).toBe(9 * GiB + 512 + 1024)
  })
})

describe('a tar that breaks off', () => {
  const failing = async function* (bytes: Buffer): AsyncGenerator<Buffer> {
    yield bytes
    throw new RangeError('the disk is gone')
  }

  test('tells what went wrong with a content', async () => {
    const file = { name: 'a', sizeBytes: 1000, content: failing(Buffer.alloc(10)) }
    await expect(tarOf([file])).rejects.toThrow(new RangeError('the disk is gone'))
  })

  test('is none where a content has another length', async () => {
    const file = { name: 'a', sizeBytes: 1000, content: [Buffer.alloc(10)] }
    await expect(tarOf([file])).rejects.toThrow('Size mismatch')
  })

  test('tells what went wrong with its bytes, in a head and in a content', async () => {
    const tar = await tarOf([{ name: 'a', sizeBytes: 1000, content: [Buffer.alloc(1000)] }])
    for (const length of [100, 512, 700]) {
      const reading = async () => {
        for await (const { content } of readTar(failing(tar.subarray(0, length)))) {
          await bytesOf(content)
        }
      }
      await expect(reading()).rejects.toThrow(new RangeError('the disk is gone'))
    }
  })

  test('closes what it was made of when nobody wants more', async () => {
    const closed: string[] = []
    const endless = async function* (name: string): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(64 * KiB)
      } finally {
        closed.push(name)
      }
    }
    const content = endless('content')
    for await (const _ of writeTar([{ name: 'a', sizeBytes: 9 * GiB, content }], 0)) break
    expect(closed).toEqual(['content'])

    const tar = async function* (): AsyncGenerator<Buffer> {
      const head = await tarOf([{ name: 'a', sizeBytes: 0, content: [] }])
      yield head.subarray(0, 512)
      yield* endless('tar')
    }
    for await (const _ of readTar(tar())) break
    expect(closed).toEqual(['content', 'tar'])
  })

  test('is not read further than it is taken', async () => {
    let given = 0
    const content = async function* (): AsyncGenerator<Buffer> {
      for (; ; given += 1) yield Buffer.alloc(64 * KiB)
    }
    const file = { name: 'a', sizeBytes: 9 * GiB, content: content() }
    for await (const { content: taken } of readTar(writeTar([file], 0))) {
      let seen = 0
      for await (const chunk of taken) {
        seen += chunk.length
        expect(given * 64 * KiB - seen).toBeLessThan(1024 * KiB)
        if (seen > 20 * 1024 * KiB) break
      }
      break
    }
  })
})
