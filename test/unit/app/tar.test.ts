import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { END, headerOf, padding, TarError, TarReader } from '../../../src/app/backup/tar.ts'

const topic = 't'.repeat(249)
const FILES = [
  { name: 'FORMAT', content: Buffer.from('{"format":2}\n') },
  { name: 'state/empty', content: Buffer.alloc(0) },
  { name: `${'d'.repeat(90)}/${'f'.repeat(95)}`, content: Buffer.alloc(512, 1) },
  { name: `topics/${topic}~1/0/00000000000000000000.log`, content: Buffer.alloc(1500, 2) },
  { name: 'after/it', content: Buffer.from('x') },
]

const tarOf = (files: typeof FILES): Buffer =>
  Buffer.concat([
    ...files.flatMap(({ name, content }) => {
      const sizeBytes = content.length
      return [headerOf({ name, sizeBytes }, 1_700_000_000_000), content, padding(sizeBytes)]
    }),
    END,
  ])

/** Reads `tar` in pieces of `pieceBytes`. */
function read(tar: Buffer, pieceBytes: number) {
  const reader = new TarReader()
  const files: { name: string; content: Buffer }[] = []
  for (let at = 0; at < tar.length; at += pieceBytes) {
    for (const event of reader.read(tar.subarray(at, at + pieceBytes))) {
      const last = files.at(-1)
      if (event.kind === 'file') files.push({ name: event.name, content: Buffer.alloc(0) })
      else if (event.kind === 'data' && last !== undefined) {
        last.content = Buffer.concat([last.content, event.bytes])
      }
    }
  }
  return { files, isEnd: reader.isEnd }
}

describe('tar', () => {
  test.each([5, 7, 511, 512, 513, 4096, 1_000_000])(
    'is read back in pieces of %i bytes',
    (size) => {
      expect(read(tarOf(FILES), size)).toEqual({ files: FILES, isEnd: true })
    },
  )

  test.skipIf(spawnSync('tar', ['--version']).status !== 0)('is one for everybody', () => {
    const directory = mkdtempSync(join(tmpdir(), 'goqueue-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const { status } = spawnSync('tar', ['-xf', '-', '-C', directory], { input: tarOf(FILES) })
    expect(status).toBe(0)
    const found = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    for (const { name, content } of FILES) {
      expect(found).toContain(name)
      expect(readFileSync(join(directory, name))).toEqual(content)
    }
  })

  test('knows where it is none: any bit of a header', () => {
    const tar = tarOf(FILES.slice(0, 1))
    for (let bit = 0; bit < 512 * 8; bit += 37) {
      const damaged = Buffer.from(tar)
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      // The sum is text with blanks around it; which blank is of no importance.
      if (bit >> 3 === 154 || bit >> 3 === 155) continue
      expect(() => read(damaged, 4096), `bit ${bit}`).toThrow(TarError)
    }
  })

  test('has an end', () => {
    expect(read(tarOf(FILES).subarray(0, -1024), 4096)).toEqual({ files: FILES, isEnd: false })
  })
})
