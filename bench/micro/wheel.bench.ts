/** The timer wheel with a thousand to a million timers over ten minutes: each call costs the same. */
import { TimerWheel } from '../../src/timing/index.ts'
import { type MicroCases, runIfMain } from '../support/micro.ts'
import { seededRandom } from '../support/random.ts'

const SPAN_MS = 600_000
const SIZES = [1_000, 10_000, 100_000, 1_000_000] as const
const random = seededRandom(1)
const waits = Float64Array.from({ length: 4_096 }, () => Math.floor(random() * SPAN_MS))
let turn = 0
const nextWaitMs = (): number => {
  turn = (turn + 1) % waits.length
  return waits[turn] ?? 0
}

/** A wheel with so many timers, made when it is first used. */
function filled(size: number): () => TimerWheel<number> {
  let wheel: TimerWheel<number> | undefined
  return () => {
    if (wheel !== undefined) return wheel
    wheel = new TimerWheel<number>(0)
    for (let i = 0; i < size; i += 1) wheel.add(nextWaitMs(), i)
    return wheel
  }
}

function casesOf(size: number): MicroCases {
  const wheelOf = filled(size)
  return {
    [`${size} timers: one set and cancelled`]: () => {
      const wheel = wheelOf()
      wheel.cancel(wheel.add(nextWaitMs(), 0))
    },
    [`${size} timers: the next one fires and is set again`]: () => {
      const wheel = wheelOf()
      let fired = 0
      while (fired === 0) {
        const nowMs = Math.max(wheel.nowMs, wheel.nextDueMs() ?? 0)
        fired = wheel.advance(nowMs, 1, (payload) => wheel.add(nowMs + nextWaitMs(), payload))
      }
    },
  }
}

export const cases: MicroCases = Object.assign({}, ...SIZES.map(casesOf))
await runIfMain(import.meta.url, 'timing/wheel', cases)
