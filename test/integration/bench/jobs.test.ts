/** The jobs of the work queue, of messages for later and of figures, each with tiny inputs: figures are not looked at. */
import { describe, expect, test } from 'vitest'
import { runAsk, runPopulate, runUrgent } from '../../../bench/load/asking.ts'
import { runRush, runStagger } from '../../../bench/load/delaying.ts'
import { type FillingJob, runFilling } from '../../../bench/load/filling.ts'
import { runHog } from '../../../bench/load/hog.ts'
import { runJsonWork } from '../../../bench/load/jsonWork.ts'
import { runLeasing } from '../../../bench/load/leasing.ts'
import { runPending, runPendingCalls } from '../../../bench/load/pending.ts'
import { runWorking } from '../../../bench/load/working.ts'
import { startInProcess } from '../../support/inProcessDaemon.ts'

const TIMES = { warmupMs: 10, turnMs: 60 }
const serverPid = process.pid

const start = async (): Promise<number> => Number(new URL((await startInProcess()).url).port)

const fill = (port: number, how: Partial<FillingJob> = {}) =>
  runFilling({
    ...{ kind: 'filling', port, partitions: 2, records: 1_000, batch: 100, valueBytes: 20 },
    ...{ acks: 'leader', ...how },
  })

describe('jobs of the work queue', () => {
  test('a worker acknowledges all, also while more is published, and with lanes', async () => {
    const port = await start()
    await fill(port, { priorities: [0, 1, 2, 3, 4] })
    const result = await runWorking({
      ...{ kind: 'working', port, serverPid, concurrency: 50, records: 1_000 },
      ...{ warmupRecords: 100, besidePerSecond: 1_000 },
    })
    expect(result.recordsPerSecond).toBeGreaterThan(0)
  })

  test.each(['together', 'one by one'] as const)('JSON members acknowledge %s', async (acked) => {
    const port = await start()
    await fill(port)
    const result = await runJsonWork({
      ...{ kind: 'json-work', port, serverPid, members: 2, acked, ...TIMES },
    })
    expect(result.recordsPerSecond).toBeGreaterThanOrEqual(0)
  })

  test('critical messages are timed while slow ones are in the way, or nothing is', async () => {
    const port = await start()
    const job = { kind: 'hog', port, workers: 2, concurrency: 2, critical: 5, everyMs: 1 } as const
    expect(await runHog({ ...job, backgroundMs: 0 })).toMatchObject({ background: 0 })
    const result = await runHog({ ...job, backgroundMs: 5 })
    expect(result.maxMs).toBeGreaterThanOrEqual(result.p50Ms)
    expect(result.background).toBeGreaterThan(0)
  })

  test('everything is handed out and stays so', async () => {
    const port = await start()
    await fill(port)
    const job = { kind: 'leasing', port, records: 1_000, batch: 10, members: 3 } as const
    expect(await runLeasing(job)).toMatchObject({ unresolved: 1_000 })
  })
})

describe('jobs of messages for later', () => {
  test('a rush is out in the end, also beside other publishing', async () => {
    const port = await start()
    const job = { kind: 'rush', port, records: 500, valueBytes: 30, isBusy: true } as const
    expect((await runRush(job)).lastOutMs).toBeGreaterThanOrEqual(0)
  })

  test('staggered ones are timed at the tail', async () => {
    const port = await start()
    const job = { kind: 'stagger', port, records: 50, overMs: 50, valueBytes: 30 } as const
    expect((await runStagger(job)).maxMs).toBeGreaterThan(0)
  })

  test('those of a month are listed and cancelled', async () => {
    const port = await start()
    await runPending({
      ...{ kind: 'pending', port, partitions: 2, records: 500, valueBytes: 20, overMs: 1e9 },
    })
    const result = await runPendingCalls({ kind: 'pending-calls', port, calls: 4 })
    expect(result.cancelP99Ms).toBeGreaterThan(0)
  })
})

describe('jobs of figures', () => {
  test('a populated broker is asked for them', async () => {
    const port = await start()
    await runPopulate({ kind: 'populate', port, topics: 2, partitionsEach: 3, groups: 4 })
    const { p99Ms } = await runAsk({ kind: 'ask', port, path: '/priority/stats', calls: 3 })
    expect(p99Ms).toBeGreaterThan(0)
  })

  test('the urgent one is found', async () => {
    const port = await start()
    await fill(port, { partitions: 1, priorities: [4], urgentLast: true })
    expect((await runUrgent({ kind: 'urgent', port })).ms).toBeGreaterThan(0)
  })
})
