/** The client process: takes jobs over its channel one at a time, answers each, ends with its parent. */
import { runJob } from './jobs.ts'

process.on('disconnect', () => process.exit(0))
process.on('message', (message: { id: number; job: Parameters<typeof runJob>[0] }) => {
  runJob(message.job).then(
    (result) => process.send?.({ id: message.id, result }),
    (error: unknown) =>
      process.send?.({ id: message.id, error: error instanceof Error ? error.stack : `${error}` }),
  )
})
