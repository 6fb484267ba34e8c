/**
 * A worker that is a process of its own and not to be relied on: it crashes, hangs and fails by chance. Of every hand-out
 * and of every confirmed outcome it writes a line: what, partition, offset, delivery count.
 */
import { Connection, Reject, Worker } from '../../../dist/client/index.js'

const [url = '', name = '', crashes = '0', hangs = '0', failures = '0'] = process.argv.slice(2)
const [crashShare, hangShare, failureShare] = [crashes, hangs, failures].map(Number)

const say = (what, { partition, offset, deliveryCount }) => {
  process.stdout.write(`${what} ${partition} ${offset} ${deliveryCount}\n`)
}

const forever = () => new Promise(() => undefined)

const worker = new Worker(new Connection({ url }), {
  group: 'crew',
  topics: ['jobs'],
  clientId: name,
  assignment: 'shared',
  concurrency: 50,
  leaseMs: 1500,
  sessionTimeoutMs: 1500,
  maxRuntimeMs: 400,
  requestTimeoutMs: 5000,
  retryBackoffMs: 50,
  retryBackoffMaxMs: 200,
  onWarning: () => undefined,
  onOutcome: (outcome) => say(outcome.outcome, outcome),
  handler: async (message) => {
    say('given', message)
    const chance = Math.random()
    if (chance < crashShare) process.kill(process.pid, 'SIGKILL')
    if (message.text().startsWith('poison')) {
      if (message.offset % 2 === 0) throw new Reject('poison')
      throw new Error('poison')
    }
    if (chance < crashShare + hangShare) await forever()
    if (chance < crashShare + hangShare + failureShare) throw new Error('bad luck')
  },
})

process.on('SIGTERM', async () => {
  await worker.close()
  process.exit(0)
})
await worker.run()
