import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lineGroups } from '../../../src/cli/lines.ts'

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function read(chunks: AsyncIterable<Uint8Array>, lineBytesMax = 1000) {
  const groups: string[][] = []
  for await (const lines of lineGroups(chunks, lineBytesMax)) {
    groups.push(lines.map(({ bytes, number }) => `${number}:${bytes}`))
  }
  return groups
}

describe('lines', () => {
  test('that arrive together are given together', async () => {
    expect(await read(chunksOf('a\nb\n', 'c\n'))).toEqual([['1:a', '2:b'], ['3:c']])
  })

  test('are put together from several chunks', async () => {
    expect(await read(chunksOf('he', 'll', 'o\nwor', 'ld'))).toEqual([['1:hello'], ['2:world']])
  })

  test('lose the CR of a file from Windows, and nothing else', async () => {
    expect(await read(chunksOf('a\r\n b \r\n\r\nc\rd'))).toEqual([['1:a', '2: b '], ['4:c\rd']])
  })

  test('that are empty are left out and counted', async () => {
    expect(await read(chunksOf('\n\na\n\n\nb'))).toEqual([['3:a'], ['6:b']])
  })

  test('of no input are none', async () => {
    expect(await read(chunksOf())).toEqual([])
    expect(await read(chunksOf('', '\n'))).toEqual([])
  })

  test('hold bytes that are no text as they are', async () => {
    async function* chunks() {
      yield new Uint8Array([0xff, 0x00, 0x0a, 0xfe])
    }
    const all: number[][] = []
    for await (const lines of lineGroups(chunks(), 10)) {
      all.push(...lines.map(({ bytes }) => [...bytes]))
    }
    expect(all).toEqual([[0xff, 0x00], [0xfe]])
  })

  test('longer than the limit end the input', async () => {
    await expect(read(chunksOf('ok\n', 'abc', 'def', 'ghi'), 5)).rejects.toThrow(
      'line 2 is longer than 5 bytes',
    )
  })

  test('are those of a plain split, however the input is cut into chunks', async () => {
    const piece = fc.constantFrom('a', 'bc', '\n', '\r\n', '', 'ä', '\n\n', 'x\r')
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.array(fc.nat(7)), async (pieces, cuts) => {
        const whole = Buffer.from(pieces.join(''))
        async function* chunks() {
          let at = 0
          for (const cut of cuts) {
            yield whole.subarray(at, at + cut)
            at += cut
          }
          yield whole.subarray(at)
        }
        const plain = whole
          .toString()
          .split('\n')
          .map((line, i) => [i + 1, line.replace(/\r$/, '')] as const)
          .filter(([, line]) => line !== '')
        expect((await read(chunks())).flat()).toEqual(plain.map(([n, line]) => `${n}:${line}`))
      }),
    )
  })
})
