/** The other end of {@link Worker}: a process that takes jobs over its channel, answers each, and ends with its parent. */

interface Message<Job> {
  readonly id: number
  readonly job: Job
}

export function serveJobs<Job>(runJob: (job: Job) => Promise<unknown>): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', ({ id, job }: Message<Job>) => {
    runJob(job).then(
      (result) => process.send?.({ id, result }),
      (error: unknown) =>
        process.send?.({ id, error: error instanceof Error ? error.stack : `${error}` }),
    )
  })
}
