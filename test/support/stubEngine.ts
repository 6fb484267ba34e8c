/**
 * A log engine whose disk a test can stop, break and pull out: what is written and what is synced are two
 * things, `crash` keeps the first and `powerLoss` only the second. Everything is in memory and one segment.
 */
import { BrokerError } from '../../src/kernel/errors.ts'
import { offset, type TimestampMs } from '../../src/kernel/units.ts'
import type {
  Acks,
  Admission,
  AppendResult,
  BlobStore,
  LogEngine,
  LogOffsets,
  LogOptions,
  PartitionLog,
  ReadLimit,
  ReadResult,
  RetentionPolicy,
} from '../../src/log/index.ts'
import { MemoryLanes } from '../../src/log/memory/lanes.ts'
import { type RecordBatch, recordLength, stampRecord } from '../../src/record/index.ts'

interface StoredBatch {
  readonly bytes: Buffer
  readonly ends: number[]
  readonly base: number
  readonly timestampMs: number
}

class StoredLog {
  batches: StoredBatch[] = []
  start = 0
  next = 0
  durable = 0
}

export interface StubDisk {
  readonly logs: Map<string, StoredLog>
  readonly blobs: Map<string, Buffer>
}

export type StubOperation =
  | 'append'
  | 'sync'
  | 'read'
  | 'open'
  | 'close'
  | 'remove'
  | 'blob'
  | 'truncate'

export class StubEngine implements LogEngine {
  readonly capabilities = { durable: true, replicated: false }
  readonly disk: StubDisk
  readonly blobs: BlobStore
  readonly openLogs = new Map<string, StubLog>()
  /** Called before each operation takes effect; what it throws is how the operation fails. */
  before: (operation: StubOperation, path: string) => void | Promise<void> = () => undefined
  /** Called after each operation that changes the disk has taken effect and before its caller hears of it. */
  after: (operation: StubOperation, path: string) => void = () => undefined
  /** Retention policies that were asked for, by path. */
  readonly retained: { path: string; policy: RetentionPolicy }[] = []
  dead = false
  closed = false
  nowMs: () => number

  constructor(disk: StubDisk = { logs: new Map(), blobs: new Map() }, nowMs = () => 1_000) {
    this.disk = disk
    this.nowMs = nowMs
    this.blobs = {
      get: async (name) => this.disk.blobs.get(name),
      put: async (name, value) => {
        await this.pass('blob', name)
        this.disk.blobs.set(name, Buffer.from(value))
        await this.passed('blob', name)
      },
      delete: async (name) => void this.disk.blobs.delete(name),
    }
  }

  /** The process dies: nothing that is under way here happens any more; what was written is found by the next life. */
  crash(): StubEngine {
    this.dead = true
    return new StubEngine(copyOf(this.disk), this.nowMs)
  }

  /** The machine dies: what was not synced is gone. */
  powerLoss(): StubEngine {
    const next = this.crash()
    for (const log of next.disk.logs.values()) {
      log.batches = log.batches.filter((batch) => batch.base + batch.ends.length <= log.durable)
      log.next = log.durable
    }
    return next
  }

  async pass(operation: StubOperation, path: string): Promise<void> {
    if (this.dead) await new Promise(() => undefined)
    await this.before(operation, path)
    if (this.dead) await new Promise(() => undefined)
  }

  async passed(operation: StubOperation, path: string): Promise<void> {
    this.after(operation, path)
    if (this.dead) await new Promise(() => undefined)
  }

  async open(path: string, options: LogOptions): Promise<PartitionLog> {
    await this.pass('open', path)
    if (this.openLogs.has(path)) throw new Error(`${path} is open already`)
    let stored = this.disk.logs.get(path)
    if (!stored) {
      stored = new StoredLog()
      this.disk.logs.set(path, stored)
    }
    const log = new StubLog(this, path, stored, options)
    this.openLogs.set(path, log)
    return log
  }

  async list(path: string): Promise<readonly string[]> {
    const names = new Set<string>()
    for (const each of this.disk.logs.keys()) {
      if (each.startsWith(`${path}/`)) names.add(each.slice(path.length + 1).split('/')[0] ?? '')
    }
    return [...names].sort()
  }

  async remove(path: string): Promise<void> {
    for (const each of [...this.disk.logs.keys()]) {
      if (each !== path && !each.startsWith(`${path}/`)) continue
      await this.pass('remove', each)
      if (this.openLogs.has(each)) throw new Error(`${each} is removed while open`)
      this.disk.logs.delete(each)
      await this.passed('remove', each)
    }
  }

  async close(): Promise<void> {
    for (const log of this.openLogs.values()) await log.close()
    this.closed = true
  }
}

class StubLog implements PartitionLog {
  readonly capabilities = { durable: true, replicated: false }
  readonly lanes = new MemoryLanes()
  readonly path: string
  options: LogOptions
  readonly #engine: StubEngine
  readonly #stored: StoredLog
  #tail: Promise<unknown> = Promise.resolve()
  #isOpen = true

  constructor(engine: StubEngine, path: string, stored: StoredLog, options: LogOptions) {
    this.#engine = engine
    this.path = path
    this.#stored = stored
    this.options = options
    for (const { bytes, ends, base } of stored.batches) {
      this.lanes.add({ bytes, count: ends.length }, base)
    }
  }

  append(batch: RecordBatch, acks: Acks, admission?: Admission): Promise<AppendResult> {
    if (!this.#isOpen) return Promise.reject(new BrokerError('LOG_CLOSED', 'closed'))
    const done = this.#tail.then(() => this.#write(batch, acks, admission))
    this.#tail = done.catch(() => undefined)
    return done
  }

  async #write(
    batch: RecordBatch,
    acks: Acks,
    admission: Admission | undefined,
  ): Promise<AppendResult> {
    await new Promise(setImmediate)
    await this.#engine.pass('append', this.path)
    const earlier = admission?.decide()
    if (earlier !== undefined) return { ...earlier, count: batch.count, durability: 'none' }
    const stored = this.#stored
    const timestampMs = this.#engine.nowMs() as TimestampMs
    const ends: number[] = []
    const base = stored.next
    for (let at = 0, i = 0; i < batch.count; i += 1) {
      const length = recordLength(batch.bytes, at)
      stampRecord(batch.bytes, at, length, {
        offset: base + i,
        timestampMs,
        more: i + 1 < batch.count,
      })
      at += length
      ends.push(at)
    }
    stored.batches.push({ bytes: batch.bytes, ends, base, timestampMs })
    stored.next = base + batch.count
    const lanes = this.lanes.add(batch, base)
    admission?.appended(offset(base), timestampMs)
    await this.#engine.passed('append', this.path)
    this.options.onAppended?.(offset(stored.next), lanes)
    if (acks === 'all') await this.sync()
    return {
      baseOffset: offset(base),
      count: batch.count,
      timestampMs,
      durability: acks === 'all' ? 'disk' : acks === 'leader' ? 'memory' : 'none',
    }
  }

  async read(from: number, limit: ReadLimit): Promise<ReadResult> {
    await this.#engine.pass('read', this.path)
    if (!this.#isOpen) throw new BrokerError('LOG_CLOSED', 'closed')
    const { start, next } = this.#stored
    if (from < start || from > next) throw new BrokerError('OFFSET_OUT_OF_RANGE', `${from}`)
    const parts: Buffer[] = []
    let at = from
    let size = 0
    while (at < next && at - from < limit.maxRecords) {
      const record = this.#record(at)
      if (parts.length > 0 && size + record.length > limit.maxBytes) break
      parts.push(record)
      size += record.length
      at += 1
    }
    return {
      bytes: Buffer.concat(parts),
      count: parts.length,
      nextOffset: offset(at),
      highWatermark: offset(next),
    }
  }

  #record(at: number): Buffer {
    const batch = this.#stored.batches.find((b) => at >= b.base && at < b.base + b.ends.length)
    if (!batch) throw new BrokerError('LOG_CORRUPT', `no record ${at}`)
    const i = at - batch.base
    return batch.bytes.subarray(i === 0 ? 0 : batch.ends[i - 1], batch.ends[i])
  }

  async offsetAtTime(timestampMs: number) {
    const batch = this.#stored.batches.find((b) => b.timestampMs >= timestampMs)
    if (!batch) return undefined
    return { offset: offset(batch.base), timestampMs: batch.timestampMs as TimestampMs }
  }

  async truncateBefore(before: number) {
    await this.#engine.pass('truncate', this.path)
    const stored = this.#stored
    const keep = stored.batches.findIndex((b) => b.base + b.ends.length > before)
    stored.batches.splice(0, keep === -1 ? stored.batches.length : keep)
    stored.start = stored.batches[0]?.base ?? stored.next
    this.lanes.dropBelow(stored.start)
    await this.#engine.passed('truncate', this.path)
    return offset(stored.start)
  }

  async retain(policy: RetentionPolicy) {
    this.#engine.retained.push({ path: this.path, policy })
    return offset(this.#stored.start)
  }

  offsets(): LogOffsets {
    const { start, next, durable } = this.#stored
    return { start: offset(start), next: offset(next), durable: offset(durable) }
  }

  stats() {
    const sizeBytes = this.#stored.batches.reduce((sum, batch) => sum + batch.bytes.length, 0)
    return { sizeBytes, segments: 1 }
  }

  async sync(): Promise<void> {
    const written = this.#stored.next
    await this.#engine.pass('sync', this.path)
    this.#stored.durable = Math.max(this.#stored.durable, written)
    await this.#engine.passed('sync', this.path)
  }

  configure(change: Pick<LogOptions, 'segmentBytes'>): void {
    this.options = { ...this.options, ...change }
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#engine.pass('close', this.path)
    await this.#tail
    await this.sync()
    this.#engine.openLogs.delete(this.path)
  }
}

function copyOf(disk: StubDisk): StubDisk {
  const logs = new Map<string, StoredLog>()
  for (const [path, log] of disk.logs) {
    logs.set(path, Object.assign(new StoredLog(), { ...log, batches: [...log.batches] }))
  }
  return { logs, blobs: new Map(disk.blobs) }
}
