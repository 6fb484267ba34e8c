import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  configurationPage,
  loadConfiguration,
  SETTINGS,
  settingRows,
} from '../../../src/config/index.ts'

describe('settings', () => {
  test('have outer names without milliseconds', () => {
    const names = SETTINGS.map(({ name, key, variable }) => [name, key, variable])
    expect(names).toContainEqual(['syncIntervalMs', 'sync-interval', 'GOQUEUE_SYNC_INTERVAL'])
    expect(names).toContainEqual(['dataDir', 'data-dir', 'GOQUEUE_DATA_DIR'])
  })

  test('have keys of their own', () => {
    expect(new Set(SETTINGS.map(({ key }) => key)).size).toBe(SETTINGS.length)
  })

  test('name their unit in their description where they have one', () => {
    const bare = SETTINGS.filter(
      ({ spec }) =>
        (spec.kind === 'size' && !/bytes/.test(spec.description)) ||
        (spec.kind === 'duration' && !/milliseconds/.test(spec.description)),
    )
    expect(bare.map(({ key }) => key)).toEqual([])
  })

  test('print in a form that is read back as the same value', () => {
    const before = loadConfiguration({ env: {}, flags: { retention: '1h30m', port: '0' } })
    const rows = settingRows(before).filter(({ value }) => value !== '')
    const flags = Object.fromEntries(rows.map(({ key, value }) => [key, value]))
    expect(loadConfiguration({ env: {}, flags }).settings).toEqual(before.settings)
  })

  test('are what docs/configuration.md says; `npm run docs` renews it', () => {
    const page = new URL('../../../docs/configuration.md', import.meta.url)
    expect(readFileSync(page, 'utf8')).toBe(configurationPage())
  })
})
