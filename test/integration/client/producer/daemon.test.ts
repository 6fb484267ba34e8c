/** The producer and the daemon itself. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { Admin, Connection, Producer, type ProducerOptions } from '../../../../src/client/index.ts'
import { startInProcess } from '../../../support/inProcessDaemon.ts'
import { readAll } from '../readAll.ts'

async function setup(options: ProducerOptions = {}, partitions = 4) {
  const daemon = await startInProcess()
  const connection = new Connection({ url: daemon.url })
  await new Admin(connection).createTopic({ name: 't', partitions })
  const warnings: string[] = []
  const onWarning = ({ code }: { code: string }): void => void warnings.push(code)
  const producer = new Producer(connection, { onWarning, ...options })
  onTestFinished(async () => {
    await producer.close({ timeoutMs: 0 })
    await connection.close()
  })
  return { daemon, connection, producer, warnings }
}

describe('the producer and the daemon', () => {
  test('agree on where a key goes and what was stored', async () => {
    const { connection, producer } = await setup()
    const headers = { trace: 'a' }
    const all = Array.from({ length: 500 }, (_, i) => ({
      topic: 't',
      key: `k${i % 13}`,
      value: `${i}`,
      priority: 'high' as const,
      headers,
    }))
    const delivered = await producer.sendBatch(all)
    const stored = await readAll(connection, 't', 4)
    for (const [i, { partition, offset }] of delivered.positions().entries()) {
      expect(stored[partition]?.[offset]).toMatchObject({
        value: Buffer.from(`${i}`),
        priority: 1,
        extension: { headers },
      })
    }
    // The broker's own partitioner, asked for the same keys.
    const { results } = (await connection.askJson({
      method: 'POST',
      path: '/topics/t/messages',
      json: { messages: all.slice(0, 13).map(({ key, value }) => ({ key, value })) },
    })) as { results: { partition: number }[] }
    const first = delivered.positions().slice(0, 13)
    expect(results.map(({ partition }) => partition)).toEqual(first.map((each) => each.partition))
  })

  test.each([
    ['none', 'none'],
    ['leader', 'memory'],
    ['all', 'disk'],
  ] as const)('acks %s is answered with durability %s', async (acks, durability) => {
    const { producer } = await setup({ acks })
    expect(await producer.send({ topic: 't', value: 'a' })).toMatchObject({ durability })
  })

  test('keep the order of many small batches that are under way at once', async () => {
    const { connection, producer, warnings } = await setup({ batchMessages: 5, lingerMs: 0 }, 1)
    const sent: Promise<{ offset: number }>[] = []
    for (let i = 0; i < 3000; i += 1) {
      sent.push(producer.send({ topic: 't', value: `${i}` }))
      if (i % 7 === 0) await Promise.resolve()
    }
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual(sent.map((_, i) => i))
    const [stored = []] = await readAll(connection, 't', 1)
    expect(stored.map(({ value }) => Number(value))).toEqual(sent.map((_, i) => i))
    expect(warnings).toEqual([])
  })

  test('survive a restart of the daemon: nothing lost, nothing twice', async () => {
    const { daemon, producer, warnings } = await setup({ batchMessages: 10, retryBackoffMs: 10 })
    const sent: Promise<{ partition: number; offset: number }>[] = []
    const send = (count: number): void => {
      for (let i = 0; i < count; i += 1) {
        const n = sent.length
        sent.push(producer.send({ topic: 't', key: `k${n % 13}`, value: `${n}` }))
      }
    }
    send(1000)
    await sent[500]
    send(1000)
    await daemon.stop()
    send(1000)
    const port = Number(new URL(daemon.url).port)
    const again = await startInProcess({ dataDir: daemon.dataDir, port })
    send(1000)
    const places = await Promise.all(sent)
    const connection = new Connection({ url: again.url })
    onTestFinished(() => connection.close())
    const stored = await readAll(connection, 't', 4)
    expect(stored.reduce((sum, records) => sum + records.length, 0)).toBe(4000)
    for (const [n, { partition, offset }] of places.entries()) {
      expect(stored[partition]?.[offset]?.value?.toString()).toBe(`${n}`)
    }
    expect(warnings).toEqual([])
  })

  test('refuse what the topic does not take, and go on', async () => {
    const { producer } = await setup({}, 1)
    await producer.send({ topic: 't', value: 'small' })
    const large = producer.send({ topic: 't', value: Buffer.alloc(2_000_000) })
    await expect(large).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' })
    expect(await producer.send({ topic: 't', value: 'small' })).toMatchObject({ offset: 1 })
  })

  test('refuse a topic that is not there, and one that goes away', async () => {
    const { connection, producer } = await setup()
    await expect(producer.send({ topic: 'nowhere', value: '' })).rejects.toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    })
    await producer.send({ topic: 't', value: '' })
    await new Admin(connection).deleteTopic('t')
    await expect(producer.send({ topic: 't', value: '' })).rejects.toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    })
  })
})
