import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ERRORS } from '../../src/kernel/errors.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const ROW = /^\| ([A-Z_]+) \| (-?\d+) \| (\d+) \| (yes|no) \| [^|]+ \| [^|]+ \|$/gm

const SRC = fileURLToPath(new URL('../../src', import.meta.url))
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== join('kernel', 'errors.ts'))
  .map((file) => readFileSync(join(SRC, file), 'utf8'))
  .join('\n')

describe('docs/errors.md', () => {
  test('lists every code of the table as it is, and no other', () => {
    const documented = [...page.matchAll(ROW)].map(([, code, wire, http, retryable]) => [
      code,
      { wire: Number(wire), http: Number(http), retryable: retryable === 'yes' },
    ])
    expect(Object.fromEntries(documented)).toEqual(ERRORS)
  })

  test('every code is said somewhere', () => {
    const unsaid = Object.keys(ERRORS).filter((code) => !sources.includes(`'${code}'`))
    expect(unsaid).toEqual([])
  })

  test('no number is used twice', () => {
    const numbers = Object.values(ERRORS).map((error) => error.wire)
    expect(new Set(numbers).size).toBe(numbers.length)
  })
})
