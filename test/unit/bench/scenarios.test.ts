import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { SCENARIOS } from '../../../bench/scenarios/index.ts'
import type { MicroCases } from '../../../bench/support/micro.ts'

const filesOf = (folder: string, ending: string): string[] =>
  readdirSync(fileURLToPath(new URL(`../../../bench/${folder}`, import.meta.url)))
    .filter((file) => file.endsWith(ending) && file !== 'index.ts')
    .map((file) => basename(file, ending))

describe('scenarios', () => {
  test('every file is in the list, under its own name', () => {
    expect(SCENARIOS.map(({ name }) => name).sort()).toEqual(filesOf('scenarios', '.ts').sort())
  })

  test('a bar that is a ratio has a floor beside it', () => {
    const wanting = SCENARIOS.filter(({ bars }) => bars.some(({ of }) => of === 'ratio'))
    expect(wanting.filter(({ floor }) => floor === undefined)).toEqual([])
    expect(SCENARIOS.filter(({ bars }) => bars.length === 0)).toEqual([])
  })
})

describe('micro benches', () => {
  test.each(filesOf('micro', '.bench.ts'))('%s runs every case', async (name) => {
    const url = new URL(`../../../bench/micro/${name}.bench.ts`, import.meta.url).href
    const { cases }: { cases: MicroCases } = await import(/* @vite-ignore */ url)
    expect(Object.keys(cases).length).toBeGreaterThan(0)
    for (const once of Object.values(cases)) once()
  })
})
