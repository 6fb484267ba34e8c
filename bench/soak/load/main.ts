/** The process of the load: told to start it begins, tells what was done so far when asked, and ends with what is left. */
import { serveJobs } from '../../support/serveJobs.ts'
import { runJob } from './jobs.ts'

serveJobs<Parameters<typeof runJob>[0]>(runJob)
