/** What a scenario is given: settings, the client process, servers and directories that go with it. */
import type { Jobs as InProcessJobs } from '../inProcess/jobs.ts'
import type { Job, JobKind, Jobs } from '../load/jobs.ts'
import { removeDirectory, temporaryDirectory } from './children.ts'
import type { Progress } from './progress.ts'
import { type DaemonOptions, type Server, startDaemon, startFloor } from './servers.ts'
import type { Settings } from './settings.ts'
import { Worker } from './worker.ts'

export type InProcessWorker = Worker<InProcessJobs>

export class BenchContext {
  readonly settings: Settings
  readonly progress: Progress
  /** Where our side leaves processor profiles; undefined for none. */
  readonly profileDirectory: string | undefined
  #client: Worker<Jobs> | undefined
  readonly #servers: Server[] = []
  readonly #workers: InProcessWorker[] = []
  readonly #directories: string[] = []

  constructor(settings: Settings, progress: Progress, profileDirectory?: string) {
    this.settings = settings
    this.progress = progress
    this.profileDirectory = profileDirectory
  }

  /** Has the client process do a job; it is one for the whole scenario, so both sides meet the same. */
  load<K extends JobKind>(
    job: Extract<Job, { kind: K }>,
    limitMs?: number,
  ): Promise<Jobs[K]['result']> {
    this.#client ??= new Worker<Jobs>({ script: 'load/main.js', ...this.#profiling(true) })
    return this.#client.run<K>(job as Jobs[K]['job'] & { kind: K }, limitMs ?? this.turnLimitMs)
  }

  /** Far more than a turn takes: what is beyond hangs. */
  get turnLimitMs(): number {
    return 60_000 + 3 * (this.settings.warmupMs + this.settings.turnMs)
  }

  async floor(...args: readonly string[]): Promise<Server> {
    const server = await startFloor(...args)
    this.#servers.push(server)
    return server
  }

  async daemon(options: DaemonOptions): Promise<Server> {
    const server = await startDaemon({ profileDirectory: this.profileDirectory, ...options })
    this.#servers.push(server)
    return server
  }

  /** A process for turns without a network; `profiled` for our side. */
  inProcess(profiled: boolean): InProcessWorker {
    const worker = new Worker<InProcessJobs>({
      script: 'inProcess/main.js',
      ...this.#profiling(profiled),
    })
    this.#workers.push(worker)
    return worker
  }

  #profiling(wanted: boolean): { readonly nodeFlags?: readonly string[] } {
    const directory = wanted ? this.profileDirectory : undefined
    if (directory === undefined) return {}
    return { nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${directory}`] }
  }

  directory(label: string): string {
    const directory = temporaryDirectory(label)
    this.#directories.push(directory)
    return directory
  }

  /** Stops everything that is still there, files last. */
  async close(): Promise<void> {
    await this.#client?.close()
    await Promise.all(this.#workers.map((worker) => worker.close()))
    await Promise.all(this.#servers.map((server) => server.stop()))
    for (const directory of this.#directories) removeDirectory(directory)
  }
}
