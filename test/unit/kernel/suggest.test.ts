import { describe, expect, test } from 'vitest'
import { suggest } from '../../../src/kernel/suggest.ts'

const KNOWN = ['port', 'host', 'data-dir', 'segment-bytes']

describe('suggestion', () => {
  test.each([
    ['prot', 'port'],
    ['hots', 'host'],
    ['PORT', 'port'],
    ['datadir', 'data-dir'],
    ['segment-size', 'segment-bytes'],
  ])('%s was meant as %s', (name, meant) => {
    expect(suggest(name, KNOWN)).toBe(meant)
  })

  test.each(['colour', 'x', ''])('nothing is near %j', (name) => {
    expect(suggest(name, KNOWN)).toBeUndefined()
  })
})
