/** What happens to a process: it is killed, asked to stop, or does not get to run for a while. */
import { pause } from '../clients/http.ts'
import type { Fault, Target } from './fault.ts'

const DOWN_MS_MAX = 300

async function down({ broker, relay, random, revive }: Target, how: NodeJS.Signals): Promise<void> {
  await broker.signal(how)
  relay.target = undefined
  relay.cut()
  await pause(random.int(DOWN_MS_MAX))
  await revive()
}

/** The page cache stays. */
export const kill: Fault = {
  name: 'kill',
  on: 'daemon',
  loses: ['none'],
  restMs: [600, 2500],
  strike: (target) => down(target, 'SIGKILL'),
}

export const stop: Fault = {
  name: 'stop',
  on: 'daemon',
  loses: [],
  restMs: [600, 2500],
  strike: (target) => down(target, 'SIGTERM'),
}

export const freeze: Fault = {
  name: 'pause',
  on: 'daemon',
  loses: [],
  restMs: [300, 1500],
  async strike({ broker, random }) {
    await broker.signal('SIGSTOP')
    await pause(random.between(50, 2500))
    await broker.signal('SIGCONT')
  },
  heal: ({ broker }) => broker.signal('SIGCONT'),
}
