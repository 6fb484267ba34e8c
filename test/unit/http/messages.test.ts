import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { valueSpans } from '../../../src/listeners/http/publish/jsonSpans.ts'
import { parsePublish } from '../../../src/listeners/http/publish/messages.ts'
import { baseSeed } from '../../support/random.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const parse = (body: unknown) =>
  parsePublish(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), NOW_MS)

function refusal(body: unknown): BrokerError {
  try {
    parse(body)
  } catch (error) {
    if (error instanceof BrokerError) return error
    throw error
  }
  throw new Error('it was taken')
}

const one = (message: unknown) => ({ messages: [message] })
const textOf = (value: string | Uint8Array | null | undefined) =>
  value == null ? value : Buffer.from(value).toString()

describe('messages of a JSON publish', () => {
  test('an object, array, number or boolean is stored as its text came, digit for digit', () => {
    const values = ['{"a" : 1.0}', '[1,\n2]', '12345678901234567890', '1e400', 'true', '-0']
    const body = `{"messages":[${values.map((value) => `{"value":${value}}`).join(',')}]}`
    expect(parse(body).messages.map(({ value }) => textOf(value))).toEqual(values)
  })

  test('of a name that comes twice the last counts, for the text too', () => {
    const body = '{"messages":[],"messages":[{"value":1,"value":"x","val\\u0075e":{"b":2}}]}'
    expect(parse(body).messages.map(({ value }) => textOf(value))).toEqual(['{"b":2}'])
  })

  test('null is a tombstone as a value and absent elsewhere', () => {
    const nothing = { key: null, partition: null, priority: null, headers: null, encoding: null }
    const { messages, acks } = parse({ acks: null, messages: [{ value: null, ...nothing }] })
    expect(messages).toEqual([{ value: null }])
    expect(acks).toBeUndefined()
  })

  test('base64 stands for bytes, in key and value', () => {
    const [message] = parse(one({ key: '/w==', value: 'AAEC', encoding: 'base64' })).messages
    expect(message?.key).toEqual(Buffer.from([0xff]))
    expect(message?.value).toEqual(Buffer.from([0, 1, 2]))
  })

  test.each(['AAE', 'AA==AA==', 'AA=', 'A A=', '_-==', 'AB==', '=', 'é'])(
    'base64 is taken strictly: not %s',
    (value) => {
      const error = refusal(one({ value, encoding: 'base64' }))
      expect(error.fields).toEqual({ 'messages[0].value': 'is not base64' })
    },
  )

  test('names like __proto__ are names like any other', () => {
    const [message] = parse(
      '{"messages":[{"value":"v","headers":{"__proto__":"x"}}],"__proto__":1}',
    ).messages
    expect(Object.entries(message?.headers ?? {})).toEqual([['__proto__', 'x']])
    expect(refusal('{"__proto__":{"messages":[{"value":"v"}]}}').fields).toEqual({
      messages: 'is required',
    })
  })

  test('half a surrogate pair is refused where it would be lost, and a whole one is not', () => {
    const fields = (body: string) => Object.keys(refusal(body).fields ?? {})
    expect(fields('{"messages":[{"value":"a\\ud800"}]}')).toEqual(['messages[0].value'])
    expect(fields('{"messages":[{"value":"","key":"\\uDC00"}]}')).toEqual(['messages[0].key'])
    expect(fields('{"messages":[{"value":"","headers":{"h":"\\uD800"}}]}')).toEqual([
      'messages[0].headers.h',
    ])
    expect(parse('{"messages":[{"value":"\\ud83e\\udd86"}]}').messages[0]?.value).toBe('🦆')
  })

  test('every problem is named by its path, up to twenty', () => {
    const error = refusal({
      messages: [
        7,
        { key: 1, partition: -1, priority: 'urgent', encoding: 'hex' },
        { value: 1, encoding: 'base64' },
        { value: '', headers: { a: 1 }, delay: 'soon', deliverAt: 'tomorrow' },
        { value: '', headers: ['a'] },
      ],
    })
    expect(error).toMatchObject({ code: 'INVALID_REQUEST', httpStatus: 400 })
    expect(Object.keys(error.fields ?? {})).toEqual([
      'messages[0]',
      'messages[1].encoding',
      'messages[1].value',
      'messages[1].key',
      'messages[1].partition',
      'messages[1].priority',
      'messages[2].value',
      'messages[3].headers.a',
      'messages[3].deliverAt',
      'messages[3].delay',
      'messages[4].headers',
    ])
    const many = refusal({ messages: Array.from({ length: 500 }, () => 7) })
    expect(Object.keys(many.fields ?? {})).toHaveLength(20)
  })

  test('a delay counts from now, deliverAt before a delay, and what is over is none', () => {
    const dueOf = (times: object) => parse(one({ value: 'v', ...times })).messages[0]?.dueMs
    expect(dueOf({ delay: '0ms' })).toBeUndefined()
    expect(dueOf({ deliverAt: '2025-12-31T23:59:59Z' })).toBeUndefined()
    expect(dueOf({ delay: '1h', deliverAt: '2026-01-01T00:00:00Z' })).toBeUndefined()
    expect(dueOf({ delay: 1 })).toBe(NOW_MS + 1)
    expect(dueOf({ delay: 0.5 })).toBe(NOW_MS + 1)
    expect(dueOf({ delay: '1h' })).toBe(NOW_MS + 3_600_000)
    expect(dueOf({ deliverAt: '2026-01-01T00:00:00.001Z' })).toBe(NOW_MS + 1)
    expect(dueOf({ delay: '1h', deliverAt: '2026-01-01T00:00:00.001Z' })).toBe(NOW_MS + 1)
    expect(refusal(one({ value: 'v', delay: 9e15 })).fields).toHaveProperty(['messages[0].delay'])
  })

  test('more headers or messages than there may be are refused', () => {
    const headers = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, '']))
    expect(refusal(one({ value: '', headers })).fields).toHaveProperty(['messages[0].headers'])
    const body = `{"messages":[${'{"value":""},'.repeat(100_000)}{"value":""}]}`
    expect(refusal(body)).toMatchObject({ code: 'BATCH_TOO_LARGE', httpStatus: 413 })
  })

  test('nesting of any depth is neither recursed into nor lost', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    expect(textOf(parse(`{"messages":[{"value":${deep}}]}`).messages[0]?.value)).toBe(deep)
  })
})

describe('value spans', () => {
  test('cut out exactly what JSON.parse reads', () => {
    const message = fc.oneof(
      fc.record({ a: fc.jsonValue(), value: fc.jsonValue(), z: fc.jsonValue() }),
      fc.record({ other: fc.jsonValue() }),
    )
    const body = fc.record({
      before: fc.jsonValue(),
      messages: fc.array(message),
      x: fc.jsonValue(),
    })
    fc.assert(
      fc.property(body, fc.constantFrom(0, 1, '\t'), (request, indent) => {
        const json = Buffer.from(JSON.stringify(request, null, indent))
        const values = valueSpans(json).map((span) =>
          span === undefined ? undefined : JSON.parse(json.toString('utf8', span.start, span.end)),
        )
        const expected = JSON.parse(json.toString()).messages.map(
          (m: { value?: unknown }) => m.value,
        )
        expect(values).toEqual(expected)
      }),
      { seed: baseSeed(), numRuns: 200 },
    )
  })
})
