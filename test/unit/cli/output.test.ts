import { describe, expect, test } from 'vitest'
import { humanBytes, humanCount, Output, plural } from '../../../src/cli/output.ts'
import { fakeIo } from '../../support/cliIo.ts'

describe('output', () => {
  test('is a table on a terminal and JSON elsewhere, unless it is said', () => {
    expect(new Output(fakeIo({ terminal: true }).io).format).toBe('table')
    expect(new Output(fakeIo().io).format).toBe('json')
    expect(new Output(fakeIo({ terminal: true }).io, 'json').format).toBe('json')
    expect(new Output(fakeIo().io, 'table').format).toBe('table')
  })

  test('aligns columns, numbers to the right', () => {
    const { io, stdout } = fakeIo({ terminal: true })
    new Output(io).table(
      ['topic', 'messages', 'size'],
      [
        ['a', 1, '10 B'],
        ['orders', '1,234', '1.5 MiB'],
      ],
    )
    expect(stdout.text).toBe(
      [
        'TOPIC   MESSAGES     SIZE',
        'a              1     10 B',
        'orders     1,234  1.5 MiB',
        '',
      ].join('\n'),
    )
  })

  test.each([
    ['on a terminal', { terminal: true, env: { NO_COLOR: '' } }, true],
    ['not in a pipe', { terminal: false, env: { NO_COLOR: '' } }, false],
    ['not with NO_COLOR', { terminal: true, env: { NO_COLOR: '1' } }, false],
    ['not on a dumb terminal', { terminal: true, env: { NO_COLOR: '', TERM: 'dumb' } }, false],
    ['in a pipe with FORCE_COLOR', { env: { NO_COLOR: '', FORCE_COLOR: '1' } }, true],
    ['not with both', { env: { NO_COLOR: '1', FORCE_COLOR: '1' } }, false],
  ])('has colours %s: %j', (_, setup, coloured) => {
    expect(new Output(fakeIo(setup).io).colours.isColorSupported).toBe(coloured)
  })

  test('aligns a column of numbers that has gaps', () => {
    const { io, stdout } = fakeIo({ terminal: true })
    new Output(io).table(
      ['committed', 'lag'],
      [
        ['-', 5],
        [1200, '?'],
      ],
    )
    expect(stdout.text).toBe('COMMITTED  LAG\n        -    5\n     1200    ?\n')
  })

  test('says whether what it wrote was taken', async () => {
    const { io, stdout } = fakeIo()
    const out = new Output(io)
    expect(await out.delivered(Buffer.from('x'))).toBe(true)
    stdout._write = (_chunk, _encoding, done) =>
      void done(Object.assign(new Error('gone'), { code: 'EPIPE' }))
    expect(await out.delivered(Buffer.from('y'))).toBe(false)
    expect(await out.delivered(Buffer.from('z'))).toBe(false)
    expect(stdout.text).toBe('x')
  })

  test('falls silent once its reader went away', async () => {
    const { io, stdout } = fakeIo()
    const out = new Output(io)
    stdout.destroy(Object.assign(new Error('gone'), { code: 'EPIPE' }))
    await new Promise((resolve) => stdout.once('close', resolve))
    expect(out.readerGone).toBe(true)
    out.line('x')
    await out.bytes('y')
    expect(stdout.text).toBe('')
  })
})

describe('figures for people', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [104_857_600, '100 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(humanBytes(bytes)).toBe(text)
  })

  test('are grouped and counted', () => {
    expect(humanCount(1_234_567)).toBe('1,234,567')
    expect([plural(1, 'message'), plural(1707, 'message')]).toEqual(['1 message', '1,707 messages'])
  })
})
