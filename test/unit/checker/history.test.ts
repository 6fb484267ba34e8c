import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { History } from '../../checker/history/history.ts'
import { idOf, textOf } from '../../checker/history/values.ts'
import { publish } from './entries.ts'

describe('value of a message', () => {
  test('names the message, and nothing where a byte of it is another', () => {
    for (const id of ['a:1:0', 'sdk-all:77', 'x']) {
      const text = textOf(id)
      expect(idOf(text)).toBe(id)
      expect(idOf(`${text}!`)).toMatch(/^damaged:/)
      expect(idOf(text.replace(' ', '1 '))).toMatch(/^damaged:/)
    }
    expect(idOf('')).toMatch(/^damaged:/)
  })
})

describe('History', () => {
  test('is in its file a line an operation, and gone where nobody wants to look at it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'goqueue-history-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    for (const keep of [true, false]) {
      const history = new History(join(directory, String(keep)))
      const operations = [publish(['a'], 0), publish(['b'], 1)]
      for (const each of operations) history.record(each)
      history.close({ keep })
      expect(history.operations).toEqual(operations)
      expect(existsSync(join(directory, String(keep)))).toBe(keep)
    }
    const lines = readFileSync(join(directory, 'true'), 'utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { op: 'publish', ids: ['a'] },
      { op: 'publish', ids: ['b'] },
    ])
  })
})
