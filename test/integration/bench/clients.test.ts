/** The jobs of the clients, each with tiny inputs, against a broker in memory: figures are not looked at. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { runClientMemory } from '../../../bench/load/clientMemory.ts'
import { runConsuming } from '../../../bench/load/consuming.ts'
import { runFilling } from '../../../bench/load/filling.ts'
import { runHandling } from '../../../bench/load/handling.ts'
import { runProducing } from '../../../bench/load/producing.ts'
import { runWholePath } from '../../../bench/load/wholePath.ts'
import { KiB } from '../../../src/kernel/units.ts'
import { startHttpStub } from '../../support/httpStub.ts'

const TIMES = { warmupMs: 10, turnMs: 60 }
const serverPid = process.pid

async function setup(): Promise<number> {
  const stub = await startHttpStub()
  onTestFinished(() => stub.stop())
  return stub.port
}

const fill = (port: number, records: number, valueBytes: number) =>
  runFilling({
    ...{ kind: 'filling', port, partitions: 1, records, batch: 100, valueBytes, acks: 'leader' },
  })

describe('the jobs of the clients', () => {
  test.each(['send', 'sendBatch'] as const)('produce by %s and find all of it', async (via) => {
    const port = await setup()
    const result = await runProducing({
      ...{ kind: 'producing', port, serverPid, via, acks: 'leader', partitions: 2 },
      ...{ batch: 5, valueBytes: 20, calls: 2, ...TIMES },
    })
    expect(result.recordsPerSecond).toBeGreaterThanOrEqual(0)
  })

  test.each(['eachBatch', 'for await'] as const)('consume by %s to the end', async (via) => {
    const port = await setup()
    await fill(port, 1_000, 20)
    const result = await runConsuming({
      ...{ kind: 'consuming', port, serverPid, via, records: 1_000, warmupRecords: 100 },
    })
    // All of it may come as one batch, before the clock runs.
    expect(result.recordsPerSecond).toBeGreaterThanOrEqual(0)
  })

  test.each(['consumer', 'worker'] as const)(
    'time each message until the handler of a %s',
    async (by) => {
      const port = await setup()
      const result = await runHandling({
        ...{ kind: 'handling', port, serverPid, by, ratePerSecond: 500, valueBytes: 40, ...TIMES },
      })
      expect(result.maxMs).toBeGreaterThan(0)
    },
  )

  test('go the whole path and handle what was acknowledged', async () => {
    const port = await setup()
    const result = await runWholePath({
      ...{ kind: 'whole-path', port, serverPid, partitions: 3, batch: 5, valueBytes: 20 },
      ...{ calls: 2, ...TIMES },
    })
    expect(result.recordsPerSecond).toBeGreaterThanOrEqual(0)
  })

  test('watch what a consumer holds', async () => {
    const port = await setup()
    await fill(port, 1_000, 1_000)
    const budgetBytes = 100 * KiB
    const { heldMb } = await runClientMemory({
      ...{ kind: 'client-memory', of: 'consumer', port, serverPid, valueBytes: 1_000 },
      ...{ budgetBytes, turnMs: 60 },
    })
    expect(heldMb).toBeGreaterThan(0)
    expect(heldMb * 1e6).toBeLessThanOrEqual(budgetBytes)
  })
})
