import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import {
  CONTRACT,
  ConfigureTopicBody,
  CreateTopicBody,
  checkerOf,
  errorBodyOf,
  errorOfBody,
  methodsByPath,
  pathTo,
  RECORDS_TYPE,
  retryAfterSeconds,
} from '../../../src/api/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { WIRE_BATCH_CONTENT_TYPE } from '../../../src/record/index.ts'

function fieldsOf(action: () => unknown): Readonly<Record<string, string>> {
  try {
    action()
  } catch (error) {
    if (error instanceof BrokerError) return error.fields ?? {}
    throw error
  }
  return {}
}

describe('contract', () => {
  test('names each route once', () => {
    const routes = CONTRACT.map(({ method, path }) => `${method} ${path}`)
    expect(new Set(routes).size).toBe(routes.length)
  })

  test('has the content type of raw records that the codec has', () => {
    expect(RECORDS_TYPE).toBe(WIRE_BATCH_CONTENT_TYPE)
  })

  test('knows the methods of a path', () => {
    expect(methodsByPath().get('/topics')).toEqual(['POST', 'GET', 'HEAD'])
  })

  test('encodes what is put into a path', () => {
    const path = pathTo('partitionMessages', { topic: 'a/b ?', partition: 3 })
    expect(path).toBe('/topics/a%2Fb%20%3F/partitions/3/messages')
  })
})

describe('checker', () => {
  const create = checkerOf('the request', CreateTopicBody)

  test('names what is missing, mistyped and unknown by its path', () => {
    expect(Object.keys(fieldsOf(() => create({})))).toEqual(['name'])
    expect(
      Object.keys(
        fieldsOf(() =>
          create({
            name: 1,
            num_partitions: 1.5,
            retention_hours: 'x',
            config: { retnetion_ms: 1 },
          }),
        ),
      ).sort(),
    ).toEqual(['config.retnetion_ms', 'name', 'num_partitions', 'retention_hours'])
    for (const body of [null, [], 'x', 1]) {
      expect(Object.keys(fieldsOf(() => create(body)))).toEqual(['body'])
    }
    const configure = checkerOf('the request', ConfigureTopicBody)
    expect(Object.keys(fieldsOf(() => configure({ config: { segment_bytes: 1 } })))).toEqual([
      'config.segment_bytes',
    ])
  })

  test('writes places in lists and odd names as a reader expects them', () => {
    const check = checkerOf(
      'it',
      Type.Object({ 'a/b~': Type.Array(Type.Object({ c: Type.Number() })) }),
    )
    expect(Object.keys(fieldsOf(() => check({ 'a/b~': [{ c: 1 }, {}] })))).toEqual(['a/b~[1].c'])
  })

  test('returns what it was given, fields that are not known included', () => {
    const body = { name: 'a', colour: 'red' }
    expect(create(body)).toBe(body)
  })
})

describe('error body', () => {
  test('comes back as the error that it was', () => {
    const error = new BrokerError('TOPIC_EXISTS', 'it is there', { fields: { name: 'taken' } })
    const body = JSON.parse(JSON.stringify(errorBodyOf(error)))
    expect(body).toEqual({
      ...{ error: 'it is there', code: 'TOPIC_EXISTS', retryable: false },
      fields: { name: 'taken' },
    })
    expect(errorOfBody(body)).toMatchObject({ code: 'TOPIC_EXISTS', fields: { name: 'taken' } })
  })

  test('of someone else is no error of ours', () => {
    for (const body of [
      null,
      'x',
      {},
      { error: 'x' },
      { error: 'x', code: 'NOPE' },
      { code: 'UNKNOWN' },
    ]) {
      expect(errorOfBody(body)).toBeUndefined()
    }
    expect(errorOfBody({ error: 'x', code: 'UNKNOWN', fields: { a: 1 } })?.fields).toBeUndefined()
  })

  test('asks to come back only where that is of use', () => {
    const secondsFor = (
      code: ConstructorParameters<typeof BrokerError>[0],
      retryAfterMs?: number,
    ) =>
      retryAfterSeconds(
        new BrokerError(code, '', retryAfterMs === undefined ? {} : { retryAfterMs }),
      )
    expect(secondsFor('BROKER_OVERLOADED')).toBe(1)
    expect(secondsFor('BROKER_OVERLOADED', 2500)).toBe(3)
    expect(secondsFor('LIMIT_REACHED')).toBe(1)
    expect(secondsFor('LOG_CORRUPT')).toBeUndefined()
    expect(secondsFor('TOPIC_NOT_FOUND')).toBeUndefined()
  })
})
