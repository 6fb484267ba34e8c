import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type CpuProfile, shareOf } from '../../../bench/support/profileShare.ts'

const FEATURE = { files: /lanes\.js$/, lines: /lane/, within: /log\.js$/ }

const node = (url: string, hitCount: number, lines: Readonly<Record<number, number>> = {}) => ({
  id: hitCount,
  callFrame: { url, functionName: url === '' ? '(idle)' : 'f' },
  hitCount,
  positionTicks: Object.entries(lines).map(([line, ticks]) => ({ line: Number(line), ticks })),
})

function sources(): { readonly log: string; readonly other: string; readonly lanes: string } {
  const directory = mkdtempSync(join(tmpdir(), 'goqueue-share-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const [log, other, lanes] = ['log.js', 'other.js', 'lanes.js'].map((name) => {
    writeFileSync(join(directory, name), 'const a = 1\nconst lane = a\nreturn a\n')
    return pathToFileURL(join(directory, name)).href
  }) as [string, string, string]
  return { log, other, lanes }
}

describe('the share of a feature in a profile', () => {
  test('is all of its files and its lines of others, of what was not idle', () => {
    const { log, other, lanes } = sources()
    const profile: CpuProfile = {
      nodes: [
        node('', 1_000),
        node(lanes, 10),
        node(log, 50, { 1: 25, 2: 20, 3: 5 }),
        node(other, 40, { 2: 40 }),
      ],
    }
    expect(shareOf(profile, FEATURE)).toBe((10 + 20) / 100)
  })

  test('is not asked of a process that did nothing', () => {
    expect(() => shareOf({ nodes: [node('', 5)] }, FEATURE)).toThrow('the profile is empty')
  })
})
