import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Lock, lockProblems, satisfies } from '../../scripts/checkLock.ts'

const lock = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
) as Lock

describe('package-lock.json', () => {
  test('installs on every platform and on the oldest Node', () => {
    expect(lockProblems(lock)).toEqual([])
  })
})

describe('the check of the lock', () => {
  const packages = {
    '': {},
    'node_modules/a': { optionalDependencies: { 'a-linux': '1', 'a-darwin': '1' } },
    'node_modules/a-linux': { engines: { node: '>=18' } },
    'node_modules/a/node_modules/a-darwin': {},
  }

  test('passes what is whole', () => {
    expect(lockProblems({ packages })).toEqual([])
  })

  test('names the package of another platform that has no entry', () => {
    const { 'node_modules/a/node_modules/a-darwin': _, ...rest } = packages
    expect(lockProblems({ packages: rest })).toEqual([
      'node_modules/a names the optional a-darwin, which has no entry',
    ])
  })

  test('names a package that needs a newer Node', () => {
    const b = { engines: { node: '^20.20.0 || >=22.12' } }
    expect(lockProblems({ packages: { ...packages, 'node_modules/b': b } })).toEqual([
      'node_modules/b needs Node ^20.20.0 || >=22.12, which leaves out 20.19.0',
    ])
  })

  test.each([
    ['>=18', true],
    ['>= 20.19.0', true],
    ['>=20.19.1', false],
    ['^20.19.0 || >=22', true],
    ['^18.17.0 || >=20.5.0', true],
    ['^22', false],
    ['20 || >=22', true],
    ['18 || 22', false],
    ['20.x', true],
    ['*', true],
    ['', true],
    ['>=14 <20', false],
    ['>=14 <21', true],
    ['14 - 18', false],
    ['~20.19', true],
    ['~20.18.0', false],
    ['>20', false],
    ['>=0.8', true],
    ['=20.19.0', true],
  ])('reads the range %j: %j', (range, inside) => {
    expect(satisfies('20.19.0', range)).toBe(inside)
  })
})
