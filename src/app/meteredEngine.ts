/**
 * An engine that knows what its logs hold: their sizes by the part of the broker they belong to, and of each state
 * machine the journal and the snapshots. Logs are handed on as they are; nothing is added to their path.
 *
 *   topics/orders~1/0   area topics          state/groups/journal    machine groups
 *   delay/orders~1/0    area delay           state/groups/snapshot   its snapshot
 */
import type { Clock } from '../kernel/platform.ts'
import type { BlobStore, LogEngine, PartitionLog } from '../log/index.ts'
import type { Area, AreaSize, MachineFigures } from '../observability/index.ts'

const JOURNAL = /^state\/([^/]+)\/journal$/
const SNAPSHOT = /^state\/([^/]+)\/snapshot$/

interface SnapshotMeter {
  bytes: number
  written: number
  failures: number
  seconds: number
}

export class MeteredEngine implements LogEngine {
  readonly blobs: BlobStore
  readonly #inner: LogEngine
  readonly #logs = new Map<string, PartitionLog>()
  readonly #snapshots = new Map<string, SnapshotMeter>()

  constructor(inner: LogEngine, clock: Clock) {
    this.#inner = inner
    this.blobs = this.#measuredBlobs(inner.blobs, clock)
  }

  get capabilities(): LogEngine['capabilities'] {
    return this.#inner.capabilities
  }

  async open(...args: Parameters<LogEngine['open']>): Promise<PartitionLog> {
    const log = await this.#inner.open(...args)
    this.#logs.set(args[0], log)
    return log
  }

  async remove(path: string): Promise<void> {
    for (const each of this.#logs.keys()) {
      if (each === path || each.startsWith(`${path}/`)) this.#logs.delete(each)
    }
    await this.#inner.remove(path)
  }

  list(path: string): Promise<readonly string[]> {
    return this.#inner.list(path)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  /** Of all logs that were opened and not removed. */
  areas(): readonly AreaSize[] {
    const sizes = { topics: [0, 0], delay: [0, 0], state: [0, 0] } satisfies Partial<
      Record<Area, [number, number]>
    >
    for (const [path, log] of this.#logs) {
      const size = sizes[path.split('/')[0] as keyof typeof sizes] as [number, number] | undefined
      if (size === undefined) continue
      const { sizeBytes, segments } = log.stats()
      size[0] += sizeBytes
      size[1] += segments
    }
    return Object.entries(sizes).map(([area, [sizeBytes = 0, segments = 0]]) => ({
      area: area as Area,
      sizeBytes,
      segments,
    }))
  }

  machines(): readonly MachineFigures[] {
    return [...this.#logs].flatMap(([path, log]) => {
      const machine = JOURNAL.exec(path)?.[1]
      if (machine === undefined) return []
      const { start, next } = log.offsets()
      const snapshot = this.#snapshots.get(machine)
      return {
        machine,
        journalBytes: log.stats().sizeBytes,
        journalEvents: next - start,
        snapshotBytes: snapshot?.bytes ?? 0,
        snapshots: snapshot?.written ?? 0,
        snapshotFailures: snapshot?.failures ?? 0,
        snapshotSeconds: snapshot?.seconds ?? 0,
      }
    })
  }

  #measuredBlobs(inner: BlobStore, clock: Clock): BlobStore {
    return {
      get: async (name) => {
        const value = await inner.get(name)
        const meter = this.#snapshotOf(name)
        if (meter !== undefined) meter.bytes = value?.length ?? 0
        return value
      },
      put: async (name, value) => {
        const meter = this.#snapshotOf(name)
        if (meter === undefined) return await inner.put(name, value)
        const startedMs = clock.monotonicMs()
        try {
          await inner.put(name, value)
        } catch (error) {
          meter.failures += 1
          throw error
        }
        meter.written += 1
        meter.bytes = value.length
        meter.seconds += (clock.monotonicMs() - startedMs) / 1000
      },
      delete: (name) => inner.delete(name),
    }
  }

  #snapshotOf(name: string): SnapshotMeter | undefined {
    const machine = SNAPSHOT.exec(name)?.[1]
    if (machine === undefined) return undefined
    let meter = this.#snapshots.get(machine)
    if (meter === undefined) {
      meter = { bytes: 0, written: 0, failures: 0, seconds: 0 }
      this.#snapshots.set(machine, meter)
    }
    return meter
  }
}
