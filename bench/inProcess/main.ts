/** The process of the in-process turns. */
import { serveJobs } from '../support/serveJobs.ts'
import { runJob } from './jobs.ts'

serveJobs<Parameters<typeof runJob>[0]>(runJob)
