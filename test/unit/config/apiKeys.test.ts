import { describe, expect, test } from 'vitest'
import {
  loadConfiguration,
  parseKeysFile,
  parseKeysList,
  settingRows,
} from '../../../src/config/index.ts'

const A = '0123456789abcdef'
const B = 'ZYXWVUTSRQPONMLK=='
const file = (text: string) => parseKeysFile({ path: 'keys', text })

describe('API keys', () => {
  test('stand one a line, named or bare, between comments', () => {
    const { keys, problems } = file(`# ours\n\nbilling: ${A}\r\n  ${B}  \nshop:${A}\n`)
    expect(problems).toEqual([])
    expect(keys).toEqual([
      { name: 'billing', key: A },
      { name: 'key-2', key: B },
      { name: 'shop', key: A },
    ])
  })

  test('stand in a list', () => {
    expect(parseKeysList([`a:${A}`, B], 'here').keys).toEqual([
      { name: 'a', key: A },
      { name: 'key-2', key: B },
    ])
  })

  test.each([
    ['# none\n', 'keys', /holds no key/],
    ['tiny-key', 'keys:1', /^key 1 is shorter than 16/],
    [`${A}\nname: ${'x'.repeat(513)}`, 'keys:2', /^key 2 is longer than 512/],
    [`# c\ntwo words of it: ${A}`, 'keys:2', /^key 1 may hold/],
  ])('that are none are named by their place, and not shown: %#', (text, where, message) => {
    const { problems } = file(text)
    expect(problems).toMatchObject([{ where, message: expect.stringMatching(message) }])
    expect(JSON.stringify(problems)).not.toContain(text.trim().split('\n').at(-1))
  })

  test('are counted and not shown among the settings in force', () => {
    const configuration = loadConfiguration({ env: { GOQUEUE_API_KEYS: `a:${A},${B}` }, flags: {} })
    expect(configuration.settings.apiKeys).toEqual([`a:${A}`, B])
    const row = settingRows(configuration).find(({ key }) => key === 'api-keys')
    expect(row).toMatchObject({ value: '(2, not shown)', from: 'GOQUEUE_API_KEYS' })
  })
})
