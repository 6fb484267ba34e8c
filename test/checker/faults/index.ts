/** All faults by their names. */
import { faketimeLibrary } from '../brokers/daemon.ts'
import { clock, givenClock } from './clock.ts'
import type { Fault } from './fault.ts'
import { network } from './network.ts'
import { freeze, kill, stop } from './process.ts'
import { fsync, full, power } from './storage.ts'

/** Nothing happens: what is found then has no excuse. */
const none: Fault = {
  name: 'none',
  on: 'daemon',
  loses: [],
  restMs: [1000, 1000],
  strike: async () => undefined,
}

export const FAULTS: readonly Fault[] = [
  ...[none, kill, stop, freeze, network],
  faketimeLibrary() === undefined ? givenClock : clock,
  ...[power, fsync, full],
]
