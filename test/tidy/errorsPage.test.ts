import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ERRORS } from '../../src/kernel/errors.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const ROW = /^\| ([A-Z_]+) \| (-?\d+) \| (\d+) \| (yes|no) \| [^|]+ \| [^|]+ \|$/gm

describe('docs/errors.md', () => {
  test('lists every code of the table as it is, and no other', () => {
    const documented = [...page.matchAll(ROW)].map(([, code, wire, http, retryable]) => [
      code,
      { wire: Number(wire), http: Number(http), retryable: retryable === 'yes' },
    ])
    expect(Object.fromEntries(documented)).toEqual(ERRORS)
  })

  test('no number is used twice', () => {
    const numbers = Object.values(ERRORS).map((error) => error.wire)
    expect(new Set(numbers).size).toBe(numbers.length)
  })
})
