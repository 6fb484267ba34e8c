import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { changed, ROOT } from '../../checker/brokers/build.ts'
import { CHECKS } from '../../checker/check/finding.ts'
import { FAULTS } from '../../checker/faults/index.ts'
import { MUTATIONS } from '../../checker/mutations/mutations.ts'
import { FEATURES } from '../../checker/workloads/workload.ts'

describe('planted bugs', () => {
  test.each(MUTATIONS)('$name: its place in the sources is still there, once', (mutation) => {
    const text = readFileSync(join(ROOT, mutation.file), 'utf8')
    expect(changed(text, mutation)).not.toBe(text)
  })

  test('each names a feature, a fault and what finds it', () => {
    const faults = FAULTS.map(({ name }) => name)
    for (const { feature, fault, expects } of MUTATIONS) {
      expect(FEATURES).toContain(feature)
      expect(faults).toContain(fault)
      expect(CHECKS).toEqual(expect.arrayContaining([...expects]))
    }
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(10)
  })

  test('a change whose place is missing, or there twice, is refused', () => {
    const change = { file: 'f', find: 'x', replace: 'y' }
    expect(changed('axb', change)).toBe('ayb')
    expect(() => changed('ab', change)).toThrow('occurs 0 times')
    expect(() => changed('xx', change)).toThrow('occurs 2 times')
  })
})
