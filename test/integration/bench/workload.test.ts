/** Workload files, with the two sides of one in this process and a moment's length: figures are not looked at. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { describeMachine } from '../../../bench/support/machine.ts'
import { silentProgress } from '../../../bench/support/progress.ts'
import { prepare, type WorkloadOptions } from '../../../bench/workload/command.ts'
import { readWorkload } from '../../../bench/workload/file.ts'
import { Publishers } from '../../../bench/workload/publishers.ts'
import { workloadResult } from '../../../bench/workload/result.ts'
import { Subscribers } from '../../../bench/workload/subscribers.ts'
import { workloadTable } from '../../../bench/workload/table.ts'
import { Client } from '../../../src/client/index.ts'
import { startInProcess } from '../../support/inProcessDaemon.ts'

const OPTIONS: WorkloadOptions = {
  ...{ minutes: 0.01, backlogGiB: undefined, acks: 'all', progress: silentProgress },
}

/** A workload in a folder beside its payloads, as those of the benchmark lie. */
async function workloadFile(text: string, payload?: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'goqueue-workload-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const name of ['workloads', 'payload']) mkdirSync(join(folder, name))
  if (payload !== undefined) writeFileSync(join(folder, 'payload', 'sample.data'), payload)
  const path = join(folder, 'workloads', 'sample.yaml')
  writeFileSync(path, text)
  return path
}

const SAMPLE = `
name: a sample
topics: 2
partitionsPerTopic: 2
keyDistributor: KEY_ROUND_ROBIN
messageSize: 64
payloadFile: "payload/sample.data"
subscriptionsPerTopic: 2
consumerPerSubscription: 1
producersPerTopic: 1
producerRate: 500
consumerBacklogSizeGB: 0
testDurationMinutes: 15
producerIncrementRate: 3
`

test('what a workload publishes is read by every subscription, and timed on the way', async () => {
  const path = await workloadFile(SAMPLE, Buffer.alloc(64, 'x'))
  const { workload, payload, notes } = prepare(path, OPTIONS)
  expect(notes).toEqual(['ignored: producerIncrementRate', '0.01 min instead of 15'])
  const { url } = await startInProcess()
  const client = new Client({ url })
  onTestFinished(() => client.close())
  const topics = ['a', 'b']
  for (const name of topics) await client.admin.createTopic({ name, partitions: 2 })
  const subscribers = new Subscribers({ ...workload, kind: 'open subscribers', url, topics })
  await subscribers.start()
  const publishers = new Publishers({
    ...workload,
    ...{ kind: 'open publishers', url, topics, payload, acks: 'all' },
  })
  await publishers.probe()
  publishers.start(workload.producerRate)
  await expect.poll(() => subscribers.messages, { timeout: 20_000 }).toBeGreaterThan(100)
  await publishers.stop()
  const published = publishers.total()
  await expect
    .poll(() => subscribers.messages, { timeout: 20_000 })
    .toBe(workload.subscriptionsPerTopic * published.messages)
  const received = subscribers.total()
  await subscribers.close()
  await publishers.close()

  const period = { seconds: 1, published, received }
  const before = { publishedBefore: 0, receivedBefore: 0, errorsBefore: 0 }
  const result = workloadResult(workload, {
    periods: [{ ...period, ...before }],
    ...{ published, received },
    run: {
      ...{
        startedAt: 'now',
        commit: 'abc',
        machine: describeMachine(),
        loadBefore: 0,
        acks: 'all',
      },
      ...{ periodSeconds: 1, seconds: 1, published: 1, received: 1, notes },
    },
  })
  expect(result).toMatchObject({ workload: 'a sample', topics: 2, partitions: 2, backlog: [0] })
  expect(result.publishRate).toEqual([published.messages])
  expect(result.aggregatedPublishLatency50pct).toBeGreaterThan(0)
  expect(result.aggregatedEndToEndLatency99pct).toBeGreaterThanOrEqual(
    result.aggregatedEndToEndLatency50pct,
  )
  expect(workloadTable([result])).toContain('| a sample |')
})

test('publishers without a rate go on until they are stopped, also after they were held', async () => {
  const { url } = await startInProcess()
  const client = new Client({ url })
  onTestFinished(() => client.close())
  await client.admin.createTopic({ name: 'a', partitions: 1 })
  const publishers = new Publishers({
    ...{ kind: 'open publishers', url, topics: ['a'], producersPerTopic: 1, acks: 'leader' },
    ...{
      keyDistributor: 'NO_KEY',
      payload: { kind: 'random', pool: 1, bytes: 20, randomShare: 1 },
    },
  })
  publishers.start(undefined)
  await expect.poll(() => publishers.messages, { timeout: 20_000 }).toBeGreaterThan(6_000)
  publishers.hold(true)
  await publishers.idle()
  const held = publishers.messages
  publishers.hold(false)
  await expect.poll(() => publishers.messages, { timeout: 20_000 }).toBeGreaterThan(held)
  await publishers.stop()
  const { messages, errors } = publishers.total()
  expect(errors).toBe(0)
  expect((await client.admin.describeTopic('a')).total_messages).toBe(messages)
  await publishers.close()
})

test('our own workload files are good', () => {
  for (const name of ['orders-keyed', 'sensors-flat-out']) {
    const path = fileURLToPath(new URL(`../../../bench/workloads/${name}.yaml`, import.meta.url))
    expect(prepare(path, { ...OPTIONS, minutes: undefined }).notes).toEqual([])
  }
})

test('a payload file that is not there is made up, one of another size is refused', async () => {
  const without = prepare(await workloadFile(SAMPLE), OPTIONS)
  expect(without.payload).toMatchObject({ kind: 'random', bytes: 64 })
  expect(without.notes).toContain('payload/sample.data is not there: 64 random bytes instead')
  const other = await workloadFile(SAMPLE, Buffer.alloc(65))
  expect(() => prepare(other, OPTIONS)).toThrow('has 65 bytes, messageSize says 64')
})

test('every field that is wrong is named', () => {
  const text =
    'topics: 0\nmessageSize: big\nkeyDistributor: BEST\nconsumerBacklogSizeGB: 1\nproducerRate: 0'
  expect(() => readWorkload(text, 'f.yaml')).toThrow(
    /f\.yaml: topics must be.*partitionsPerTopic is missing.*messageSize must be.*keyDistributor must be one of.*a backlog needs/s,
  )
  expect(() => readWorkload('- a list', 'f.yaml')).toThrow('f.yaml is no workload')
  expect(() => prepare('/nowhere/f.yaml', OPTIONS)).toThrow('ENOENT')
})

test('a backlog that the disk does not hold is refused before anything runs', async () => {
  const path = await workloadFile(SAMPLE.replace('SizeGB: 0', 'SizeGB: 10000000'))
  expect(() => prepare(path, OPTIONS)).toThrow('does not fit')
  expect(prepare(path, { ...OPTIONS, backlogGiB: 0.001 }).workload.consumerBacklogSizeGB).toBe(
    0.001,
  )
})
