/** docs/logging.md against the calls of loggers in the source. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { logCalls } from '../support/logCalls.ts'

const page = readFileSync(new URL('../../docs/logging.md', import.meta.url), 'utf8')
const [, fieldsPart = '', linesPart = ''] = page.split(/^## (?:Fields|What may be said)$/m)
const fields = new Set(
  [...fieldsPart.matchAll(/^\| (`.*`) \|/gm)].flatMap(
    ([, names = '']) => names.match(/\w+/g) ?? [],
  ),
)
const lines = [...linesPart.matchAll(/^\| (\w+) \| (.+) \| ([^|]+) \|$/gm)].flatMap(
  ([, level = '', message = '', advice = '']) =>
    level === 'level' ? [] : [{ line: `${level}: ${message}`, message, advice }],
)
const calls = logCalls()

describe('docs/logging.md', () => {
  test('tells of every line that the daemon can write, at its level', () => {
    const written = calls.flatMap(({ level, message }) =>
      message === undefined ? [] : [`${level}: ${message}`],
    )
    expect(written.length).toBeGreaterThan(40)
    const told = new Set(lines.map(({ line }) => line))
    expect(written.filter((line) => !told.has(line))).toEqual([])
  })

  test('tells of no line that there is not, and says what to do about each', () => {
    const src = fileURLToPath(new URL('../../src', import.meta.url))
    const source = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(src, file), 'utf8'))
      .join('\n')
    expect(lines.filter(({ message }) => !source.includes(`'${message}'`))).toEqual([])
    expect(lines.filter(({ advice }) => !/\w/.test(advice))).toEqual([])
  })

  test('explains every field', () => {
    const unknown = calls.flatMap(({ file, fields: used }) =>
      used.filter((name) => !fields.has(name)).map((name) => `${file}: ${name}`),
    )
    expect(unknown).toEqual([])
  })
})
