import type { Service } from '../../src/kernel/service.ts'
import { SeededRandom } from './random.ts'

/** Starts and stops a fresh service in any order, twice and at once; each call must settle, and the last state is stopped. */
export async function stressStartStop(
  make: () => Service,
  check: () => void,
  seed: number,
): Promise<void> {
  const random = new SeededRandom(seed)
  for (let run = 0; run < 20; run += 1) {
    const service = make()
    const calls: Promise<void>[] = []
    for (let i = random.between(1, 6); i > 0; i -= 1) {
      const call = random.chance(0.5) ? service.start() : service.stop()
      calls.push(call.catch(() => undefined))
      if (random.chance(0.3)) await new Promise(setImmediate)
    }
    await Promise.all([...calls, service.stop()])
    check()
  }
}
