/** How long a change takes until the last member reads its new partitions; GOQUEUE_REPORT=1 prints the figures. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { startHttpStub } from '../../support/httpStub.ts'
import { Swarm } from './swarm.ts'

async function setup(partitions: number) {
  const stub = await startHttpStub()
  const url = `http://127.0.0.1:${stub.port}`
  const made = await stub.ask('POST', '/topics', {
    json: { name: 't', num_partitions: partitions },
  })
  expect(made.status).toBe(201)
  const swarm = new Swarm({ url, group: 'g', topic: 't' })
  onTestFinished(async () => {
    await swarm.end()
    await stub.stop()
  })
  return { stub, swarm }
}

/** Resolves with the milliseconds that `change` took to reach the last member. */
async function timed(swarm: Swarm, partitions: number, change: () => Promise<void>) {
  const startedMs = performance.now()
  await change()
  await swarm.settled(partitions)
  return performance.now() - startedMs
}

function report(what: string, tookMs: readonly number[]): { p50: number; p99: number } {
  const sorted = [...tookMs].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  const figures = { p50: at(0.5), p99: at(0.99) }
  if (process.env['GOQUEUE_REPORT'] === '1') {
    const [p50, p99] = [figures.p50.toFixed(0), figures.p99.toFixed(0)]
    process.stdout.write(`${what}: p50 ${p50} ms, p99 ${p99} ms of ${sorted.length}\n`)
  }
  return figures
}

describe('a group of 50 members', () => {
  test('has shared its partitions out anew within half a second of each join and each leave', async () => {
    const { swarm } = await setup(100)
    for (let i = 0; i < 49; i += 1) await swarm.add(`m${i}`).start()
    await swarm.settled(100)
    const tookMs: number[] = []
    for (let round = 0; round < 15; round += 1) {
      tookMs.push(await timed(swarm, 100, () => swarm.add(`x${round}`).start()))
      tookMs.push(await timed(swarm, 100, async () => await swarm.remove(`x${round}`)?.leave()))
    }
    const { p99 } = report('50 members, a join or a leave', tookMs)
    expect(p99).toBeLessThan(500)
  })
})

describe('a group of 200 members on 1,000 partitions', () => {
  test('settles within two seconds when all come at once', async () => {
    const { swarm, stub } = await setup(1_000)
    const tookMs = await timed(swarm, 1_000, async () => {
      const members = Array.from({ length: 200 }, (_, i) => swarm.add(`m${i}`))
      await Promise.all(members.map((member) => member.start()))
    })
    report('200 members, 1,000 partitions, all at once', [tookMs])
    expect(tookMs).toBeLessThan(2_000)
    const joins = [...swarm.members.values()].reduce((sum, member) => sum + member.joins, 0)
    expect(joins).toBeLessThan(200 * 8)
    const { state, members } = (await stub.ask('GET', '/groups/g')).json as {
      state: string
      members: { assigned_partitions: string[] }[]
    }
    expect(['stable', 'rebalancing']).toContain(state)
    expect(new Set(members.map(({ assigned_partitions: held }) => held.length))).toEqual(
      new Set([5]),
    )
  })
})
