import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PRODUCER_WINDOW_BATCHES, ProducerTable } from '../../../src/topics/producerTable.ts'

const producer = (baseSequence: number, epoch = 0) => ({ producerId: 7, epoch, baseSequence })

/** A table behind a log that counts offsets: what a partition does with an admission. */
function setup(options = {}) {
  const table = new ProducerTable(options)
  let next = 0
  const send = (baseSequence: number, count: number, { epoch = 0, nowMs = 1000 } = {}) => {
    const admission = table.admit(producer(baseSequence, epoch), count, nowMs)
    if (admission.kind === 'duplicate') return { offset: admission.stored.baseOffset, again: true }
    const stored = { baseSequence, count, baseOffset: next, timestampMs: nowMs }
    table.record(producer(baseSequence, epoch), stored)
    next += count
    return { offset: stored.baseOffset, again: false, reset: admission.reset }
  }
  return { table, send }
}

describe('ProducerTable', () => {
  test('a batch sent again is answered with its first offset', () => {
    const { send } = setup()
    send(0, 10)
    expect(send(10, 5)).toMatchObject({ offset: 10, again: false })
    expect(send(10, 5)).toEqual({ offset: 10, again: true })
    expect(send(0, 10)).toEqual({ offset: 0, again: true })
  })

  test('a gap is refused, and so is a batch older than the window', () => {
    const { send } = setup()
    for (let i = 0; i <= PRODUCER_WINDOW_BATCHES; i += 1) send(i, 1)
    expect(() => send(PRODUCER_WINDOW_BATCHES + 2, 1)).toThrow(/expected 6/)
    expect(() => send(0, 1)).toThrow(expect.objectContaining({ code: 'OUT_OF_ORDER_SEQUENCE' }))
    expect(send(1, 1)).toEqual({ offset: 1, again: true })
  })

  test('the same sequence with another count is not a repetition', () => {
    const { send } = setup()
    send(0, 10)
    expect(() => send(0, 9)).toThrow(expect.objectContaining({ code: 'OUT_OF_ORDER_SEQUENCE' }))
  })

  test('an older epoch is fenced, a newer one starts again', () => {
    const { send } = setup()
    send(0, 10, { epoch: 1 })
    expect(() => send(10, 1, { epoch: 0 })).toThrow(
      expect.objectContaining({ code: 'INVALID_PRODUCER_EPOCH' }),
    )
    expect(send(0, 1, { epoch: 2 })).toMatchObject({ offset: 10, again: false })
  })

  test('a producer that was forgotten is let in and told so', () => {
    const { send } = setup({ expiryMs: 100 })
    send(0, 10, { nowMs: 1000 })
    expect(send(10, 1, { nowMs: 1101 })).toMatchObject({ offset: 10, reset: true })
  })

  test('an undone append leaves the table as it was', () => {
    const { table, send } = setup()
    send(0, 3)
    const before = JSON.stringify(table.snapshot())
    const batch = { baseSequence: 3, count: 2, baseOffset: 3, timestampMs: 1000 }
    const undo = table.record(producer(3), batch)
    expect(JSON.stringify(table.snapshot())).not.toBe(before)
    undo()
    expect(JSON.stringify(table.snapshot())).toBe(before)
  })

  test('sequences wrap at 2^32', () => {
    const { send } = setup()
    send(2 ** 32 - 2, 2)
    expect(send(0, 1)).toMatchObject({ offset: 2, again: false })
  })

  test('no more producers are remembered than the limit, the longest unused goes first', () => {
    const table = new ProducerTable({ producersMax: 2 })
    for (const producerId of [1, 2, 1, 3]) {
      const entry = new Map(table.snapshot()).get(producerId)
      const baseSequence = entry?.nextSequence ?? 0
      table.record(
        { producerId, epoch: 0, baseSequence },
        { baseSequence, count: 1, baseOffset: 0, timestampMs: 5 },
      )
    }
    expect(table.snapshot().map(([id]) => id)).toEqual([1, 3])
  })

  test('however often batches are repeated, each is stored once and in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ count: fc.integer({ min: 1, max: 20 }), again: fc.nat(4) })),
        (batches) => {
          const { send } = setup()
          const sent: { base: number; count: number; offset: number }[] = []
          let base = 0
          for (const { count, again } of batches) {
            sent.push({ base, count, offset: send(base, count).offset })
            base += count
            const repeated = sent.at(-1 - Math.min(again, sent.length - 1))
            if (!repeated) return false
            const reply = send(repeated.base, repeated.count)
            if (!reply.again || reply.offset !== repeated.offset) return false
          }
          return sent.every((each) => each.offset === each.base)
        },
      ),
    )
  })
})
