import { describe, expect, test } from 'vitest'
import { strictJsonCodec } from '../../../src/state/index.ts'

interface Counted {
  readonly type: 'counted'
  readonly by: number
}
interface Count {
  readonly version: 1
  readonly count: number
}

const codec = strictJsonCodec<Counted, Count>({ counted: true }, 1)
const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('A strict JSON codec', () => {
  test('reads what it wrote', () => {
    const event: Counted = { type: 'counted', by: 3 }
    const pieces = codec.encodeSnapshot({ version: 1, count: 7 })
    expect(codec.decodeEvent(Buffer.from(codec.encodeEvent(event)))).toEqual(event)
    expect(codec.decodeSnapshot(Buffer.from(pieces.next() ?? []))).toEqual({ version: 1, count: 7 })
    expect(pieces.next()).toBeUndefined()
  })

  test.each(['doubled', 'toString'])(
    'refuses an event of the type %s, which is not its',
    (type) => {
      expect(() => codec.decodeEvent(bytesOf({ type, by: 3 }))).toThrow(
        expect.objectContaining({ code: 'FORMAT_TOO_NEW', message: `unknown event ${type}` }),
      )
    },
  )

  test('refuses a snapshot of another version', () => {
    expect(() => codec.decodeSnapshot(bytesOf({ version: 2, count: 7 }))).toThrow(
      expect.objectContaining({ code: 'FORMAT_TOO_NEW', message: 'unknown snapshot version 2' }),
    )
  })
})
