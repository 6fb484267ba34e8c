/** What happens to the machine's wall clock: it is set, ahead and back. */
import { pause } from '../clients/http.ts'
import type { Fault, Target } from './fault.ts'

const HOUR_MS = 3_600_000
const STEPS_MS = [-HOUR_MS, -30_000, -2000, -300, 300, 2000, 30_000, HOUR_MS]

/** libfaketime looks at its file once a second. */
const NOTICED_MS = 1100

const steps = {
  loses: [],
  stepsClock: true,
  restMs: [200, 600],
  async strike({ broker, random }: Target) {
    await broker.play({ trick: 'clock', aheadMs: random.pick(STEPS_MS) })
    await pause(random.between(100, NOTICED_MS + 900))
  },
  async heal({ broker }: Target) {
    await broker.play({ trick: 'clock', aheadMs: 0 })
    await pause(NOTICED_MS)
  },
} as const

/** Under libfaketime, where it is installed. */
export const clock: Fault = { name: 'clock', on: 'faketime', ...steps }

/** By the clock that is given to a broker in a program. */
export const givenClock: Fault = { name: 'clock', on: 'simulated', ...steps }
