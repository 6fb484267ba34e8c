/** The client process. */
import { serveJobs } from '../support/serveJobs.ts'
import { runJob } from './jobs.ts'

serveJobs<Parameters<typeof runJob>[0]>(runJob)
