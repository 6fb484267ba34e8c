/** One look at the daemon from outside: /proc, its metrics, and what lies in its directory. */
import { readdirSync, statSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { openFiles, openSockets, residentMb } from '../load/memory.ts'
import { processorMs } from '../load/processor.ts'
import type { Done } from './load/jobs.ts'
import type { SeriesName } from './series.ts'

export type Sample = Readonly<Record<SeriesName, number>> & {
  /** Seconds since the load began. */
  readonly at: number
}

const MB = 1e6

export interface Watched {
  readonly url: string
  readonly serverPid: number
  readonly loadPid: number
  readonly directory: string
}

/** Sums of bytes by what the files are. Files that go while they are counted are not counted. */
export interface DiskUse {
  logs: number
  indexes: number
  'log files': number
  'delay logs': number
  journals: number
  snapshots: number
}

export function diskUse(directory: string): DiskUse {
  const use = { logs: 0, indexes: 0, 'log files': 0, 'delay logs': 0, journals: 0, snapshots: 0 }
  for (const entry of entriesOf(directory)) {
    const path = join(entry.parentPath, entry.name)
    const bytes = sizeOf(path)
    const kind = kindOf(path.slice(directory.length + 1))
    if (!entry.isFile() || bytes === undefined || kind === undefined) continue
    use[kind] += bytes
    if (kind === 'logs' || kind === 'indexes') use['log files'] += 1
  }
  return use
}

/** Of a path below the data directory; undefined for what is neither log nor state, such as the lock. */
function kindOf(path: string): Exclude<keyof DiskUse, 'log files'> | undefined {
  if (path.startsWith('topics/')) return path.endsWith('.log') ? 'logs' : 'indexes'
  if (path.startsWith('delay/')) return 'delay logs'
  if (!path.startsWith('state/')) return undefined
  return path.includes('/journal/') ? 'journals' : 'snapshots'
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
  } catch {
    // A directory went away under the walk: next time.
    return []
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return statSync(path).size
  } catch {
    return undefined
  }
}

/** Of every metric the sum over its labels; of the event loop's lag the p99. */
export function metricSums(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    const found = /^([a-zA-Z_:]+)(\{[^}]*\})? ([^ ]+)/.exec(line)
    if (found === null) continue
    const [, name = '', labels = '', value] = found
    if (labels.includes('quantile=') && !labels.includes('quantile="0.99"')) continue
    sums.set(name, (sums.get(name) ?? 0) + Number(value))
  }
  return sums
}

const METRIC_OF = {
  delayed: 'goqueue_delayed_pending',
  unresolved: 'goqueue_unresolved',
  lag: 'goqueue_group_lag_messages',
  'dead letters': 'goqueue_dlq_messages',
  groups: 'goqueue_groups',
  waiters: 'goqueue_http_long_polls_waiting',
} as const satisfies Partial<Record<SeriesName, string>>

export class Sampler {
  readonly #watched: Watched
  readonly #startMs = performance.now()
  #usedMs: number
  #lastMs = performance.now()

  constructor(watched: Watched) {
    this.#watched = watched
    this.#usedMs = processorMs(watched.serverPid)
  }

  async take({ heapMb, lagMs }: Pick<Done, 'heapMb' | 'lagMs'>): Promise<Sample> {
    const { url, serverPid, loadPid, directory } = this.#watched
    const reply = await fetch(`${url}/metrics`)
    const metrics = metricSums(await reply.text())
    const metric = (name: string): number => metrics.get(name) ?? 0
    const disk = diskUse(directory)
    const sockets = openSockets(serverPid)
    const loopLagMs = metric('goqueue_event_loop_lag_seconds') * 1_000
    const counted = Object.fromEntries(
      Object.entries(METRIC_OF).map(([name, of]) => [name, metric(of)]),
    ) as Record<keyof typeof METRIC_OF, number>
    return {
      at: Math.round((performance.now() - this.#startMs) / 100) / 10,
      rss: residentMb(serverPid),
      heap: metric('nodejs_heap_size_used_bytes') / MB,
      external: metric('nodejs_external_memory_bytes') / MB,
      'client rss': residentMb(loadPid),
      'client heap': heapMb,
      files: openFiles(serverPid) - sockets,
      sockets,
      'loop lag': loopLagMs,
      'client lag': lagMs,
      'lag beyond': loopLagMs - lagMs,
      load: loadavg()[0] ?? Number.NaN,
      cpu: this.#cpu(),
      logs: disk.logs / MB,
      indexes: disk.indexes / MB,
      'log files': disk['log files'],
      'delay logs': disk['delay logs'] / MB,
      journals: disk.journals / MB,
      snapshots: disk.snapshots / MB,
      ...counted,
    }
  }

  /** Percent of a core since the last look. */
  #cpu(): number {
    const usedMs = processorMs(this.#watched.serverPid)
    const nowMs = performance.now()
    const share = ((usedMs - this.#usedMs) / (nowMs - this.#lastMs)) * 100
    this.#usedMs = usedMs
    this.#lastMs = nowMs
    return share
  }
}
