/** A producer on a network that loses, cuts, delays and repeats, to a broker that is killed: once into the log. */
import { describe, expect, test } from 'vitest'
import { MINUTE_MS } from '../../src/kernel/units.ts'
import { baseSeed, SeededRandom } from '../support/random.ts'
import { type DeliveryReport, DeliveryRun } from './support/deliveryRun.ts'
import { DaemonBroker, type MortalBroker, SimulatedBroker } from './support/mortalBrokers.ts'

/** A million in all. */
const SENDS = Number(process.env['GOQUEUE_SENDS'] ?? 50_000)
/** Runs beside each other: most of one is waiting. */
const AT_ONCE = 4
const HASTY_MS = 700
const DAEMON_RUNS = 4
const SIMULATED_RUNS = 16

async function deliver(seed: number, kind: 'simulated' | 'daemon'): Promise<DeliveryReport> {
  const random = new SeededRandom(seed ^ 0x2c1b_3c6d)
  const crash = random.pick(['process', 'power'] as const)
  const broker: MortalBroker =
    kind === 'daemon' ? new DaemonBroker() : new SimulatedBroker(seed, random.fork(), crash)
  // A power loss may take back what was not on the disk when it was answered.
  const acks =
    kind === 'simulated' && crash === 'power' ? 'all' : random.pick(['leader', 'all'] as const)
  const kills = kind === 'daemon' ? 2 : random.between(1, 4)
  // A daemon takes its time to start: whoever is hasty would have given up everything by then.
  const isHasty = kind === 'simulated' && random.chance(0.25)
  const deliveryTimeoutMs = isHasty ? HASTY_MS : MINUTE_MS
  return await new DeliveryRun({
    ...{ seed, sends: SENDS, kills, acks, broker, deliveryTimeoutMs },
  }).run()
}

describe('exactly once into the log', () => {
  test.each([
    ['simulated', SIMULATED_RUNS, 0],
    ['daemon', DAEMON_RUNS, 1000],
  ] as const)('%s broker, %i seeds', async (kind, runs, salt) => {
    const seeds = Array.from({ length: runs }, (_, i) => baseSeed() + salt + i)
    let accepted = 0
    let faults = 0
    const work = async (): Promise<void> => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        const report = await deliver(seed, kind)
        accepted += report.accepted
        for (const [fate, count] of report.fates) if (fate !== 'pass') faults += count
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    // A run that gave up almost everything, or met no trouble, would show nothing.
    expect(accepted).toBeGreaterThan((runs * SENDS) / 2)
    expect(faults).toBeGreaterThan(runs * 10)
  })
})
