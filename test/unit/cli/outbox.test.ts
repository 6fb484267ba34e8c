import { describe, expect, test } from 'vitest'
import { Outbox } from '../../../src/cli/outbox.ts'
import type { Delivery, Message } from '../../../src/client/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { MiB } from '../../../src/kernel/units.ts'
import { turn } from '../../support/drive.ts'

/** A producer whose deliveries the test decides about, one by one. */
class StubProducer {
  readonly sent: Message[] = []
  readonly #settle: { resolve(delivery: Delivery): void; reject(error: Error): void }[] = []

  send(message: Message): Promise<Delivery> {
    this.sent.push(message)
    return new Promise((resolve, reject) => void this.#settle.push({ resolve, reject }))
  }

  deliver(index: number, offset = index): void {
    this.#settle[index]?.resolve({
      ...{ topic: 't', partition: 0, offset },
      ...{ timestamp: 0, durability: 'disk' },
    })
  }

  refuse(index: number, error: Error): void {
    this.#settle[index]?.reject(error)
  }
}

const message = (value: string): Message => ({ topic: 't', value })

async function setup(lines: number) {
  const producer = new StubProducer()
  const outbox = new Outbox(producer)
  for (let i = 0; i < lines; i += 1) outbox.add(message(`${i}`), 2, i + 1)
  return { producer, outbox }
}

const tooLarge = (index: number): BrokerError => {
  const text = `record ${index} of 9 bytes, at most 4`
  return new BrokerError('RECORD_TOO_LARGE', text, { fields: { [`messages[${index}]`]: text } })
}

describe('outbox', () => {
  test('counts what was acknowledged, by partition', async () => {
    const { producer, outbox } = await setup(3)
    for (const i of [0, 1, 2]) producer.deliver(i, 40 + i)
    await outbox.settled()
    expect(outbox).toMatchObject({ acknowledged: 3, acknowledgedBytes: 6, durability: 'disk' })
    expect([...outbox.partitions]).toEqual([[0, { first: 40, last: 42, count: 3 }]])
  })

  test('waits for room in bytes, and takes a message larger than all of it alone', async () => {
    const producer = new StubProducer()
    const outbox = new Outbox(producer)
    outbox.add(message('a'), 10 * MiB)
    expect([outbox.hasRoom(6 * MiB), outbox.hasRoom(10 * MiB)]).toEqual([true, false])
    const second = outbox.room(10 * MiB)
    producer.deliver(0)
    await second
    outbox.add(message('b'), 10 * MiB)
    const large = outbox.room(40 * MiB)
    producer.deliver(1)
    await large
    expect(outbox.hasRoom(40 * MiB)).toBe(true)
  })

  test('after a failure takes nothing more, and waits for what is under way before it tells', async () => {
    const { producer, outbox } = await setup(4)
    producer.deliver(0)
    producer.refuse(1, new BrokerError('OUTCOME_UNKNOWN', 'no answer'))
    await turn()
    expect(() => outbox.add(message('x'), 1, 5)).toThrow('no answer')
    let isOver = false
    const settled = outbox.settled().catch(() => {
      isOver = true
    })
    await turn()
    expect(isOver).toBe(false)
    producer.deliver(2)
    producer.deliver(3)
    await settled
    expect(outbox.account).toBe(
      '3 messages were acknowledged; line 2 is the first that was not, 2 of those behind it were',
    )
  })

  test('names the line that a refused batch is about', async () => {
    const { producer, outbox } = await setup(5)
    const error = tooLarge(2)
    for (const i of [1, 2, 3]) producer.refuse(i, error)
    producer.refuse(4, new BrokerError('CLIENT_CLOSED', 'closed'))
    producer.deliver(0)
    await expect(outbox.settled()).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: 'line 4: record of 9 bytes, at most 4',
      fields: undefined,
    })
    expect(outbox.account).toBe('1 message was acknowledged; line 2 is the first that was not')
  })

  test('names no line where a whole batch failed for no fault of its own', async () => {
    const { producer, outbox } = await setup(3)
    const error = new BrokerError('DISK_FULL', 'no space left')
    for (const i of [0, 1, 2]) producer.refuse(i, error)
    await expect(outbox.settled()).rejects.toBe(error)
  })
})
