import { describe, expect, test } from 'vitest'
import { type FieldNames, lineReader } from '../../../src/cli/messageOfLine.ts'

const read = (fields: FieldNames, text: string) =>
  lineReader(fields)({ bytes: Buffer.from(text), number: 7 })

describe('a line', () => {
  test('without field names is its value, whatever it holds', () => {
    expect(read({}, 'not {json').value?.toString()).toBe('not {json')
  })

  test('with a key field keeps the whole line as its value', () => {
    const message = read({ key: 'net' }, '{"net":"uw","mag":1}')
    expect(message.key).toBe('uw')
    expect(message.value?.toString()).toBe('{"net":"uw","mag":1}')
  })

  test.each([
    ['7', '7'],
    ['0.5', '0.5'],
    ['true', 'true'],
    ['"x"', 'x'],
    ['null', undefined],
  ])('takes the key %s as %j', (written, key) => {
    expect(read({ key: 'k' }, `{"k":${written}}`).key).toBe(key)
  })

  test('gives the text of a value field as it is, and the rest as JSON', () => {
    expect(read({ value: 'v' }, '{"v":"plain"}').value).toBe('plain')
    expect(read({ value: 'v' }, '{"v":{"a":[1]}}').value).toBe('{"a":[1]}')
    expect(read({ value: 'v' }, '{"v":null}').value).toBeNull()
  })

  test('takes its priority from a field, as a word or a number', () => {
    expect(read({ priority: 'p' }, '{"p":"critical"}').priority).toBe(0)
    expect(read({ priority: 'p' }, '{"p":4}').priority).toBe(4)
  })

  test('is looked into by dots, unless a field is called so', () => {
    expect(read({ key: 'a.b' }, '{"a":{"b":"inner"}}').key).toBe('inner')
    expect(read({ key: 'a.b' }, '{"a.b":"outer","a":{"b":"inner"}}').key).toBe('outer')
  })

  test.each([
    [{ key: 'k' }, 'nonsense', 'line 7 is not JSON'],
    [{ key: 'k' }, '[1]', 'line 7 is no JSON object'],
    [{ key: 'k' }, '{"x":1}', 'line 7 has no field "k"'],
    [{ key: 'toString' }, '{}', 'line 7 has no field "toString"'],
    [{ key: 'k' }, '{"k":{}}', 'line 7 has a key field "k" that is no text or number'],
    [{ priority: 'p' }, '{"p":9}', 'line 7 has a field "p" that is no priority'],
  ])('for %j is refused: %s', (fields, text, problem) => {
    expect(() => read(fields, text)).toThrow(problem)
  })
})
