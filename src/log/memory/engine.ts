/** Logs that live as long as the process: for tests and for embedding without a disk. */
import { BrokerError } from '../../kernel/errors.ts'
import { invariant } from '../../kernel/invariant.ts'
import type { Platform } from '../../kernel/platform.ts'
import type { BlobStore, LogCapabilities, LogEngine, LogOptions, PartitionLog } from '../port.ts'
import { MemoryLog } from './log.ts'

const CAPABILITIES: LogCapabilities = { durable: false, replicated: false }

/** Where closed logs keep their records, so that opening them again finds them. */
class MemoryEngine implements LogEngine {
  readonly capabilities = CAPABILITIES
  readonly blobs: BlobStore
  readonly #platform: Platform
  readonly #logs = new Map<string, MemoryLog>()
  #closed = false
  readonly #blobs = new Map<string, Buffer>()

  constructor(platform: Platform) {
    this.#platform = platform
    this.blobs = {
      get: async (name) => this.#blobs.get(name),
      put: async (name, value) => {
        this.#blobs.set(name, Buffer.from(value))
      },
      delete: async (name) => {
        this.#blobs.delete(name)
      },
    }
  }

  async open(path: string, options: LogOptions): Promise<PartitionLog> {
    if (this.#closed) throw new BrokerError('LOG_CLOSED', 'the storage engine is closed')
    const before = this.#logs.get(path)
    invariant(before === undefined || before.closed, `log ${path} is open already`)
    const log = new MemoryLog(this.#platform, options, before)
    this.#logs.set(path, log)
    return log
  }

  async list(path: string): Promise<readonly string[]> {
    const prefix = path === '' ? '' : `${path}/`
    const names = new Set<string>()
    for (const key of [...this.#logs.keys(), ...this.#blobs.keys()]) {
      if (key.startsWith(prefix)) names.add(key.slice(prefix.length).split('/')[0] ?? '')
    }
    return [...names].sort()
  }

  async remove(path: string): Promise<void> {
    const below = (key: string): boolean => key === path || key.startsWith(`${path}/`)
    for (const [key, log] of this.#logs) {
      if (!below(key)) continue
      invariant(log.closed, `log ${key} is removed while open`)
      this.#logs.delete(key)
    }
    for (const key of this.#blobs.keys()) if (below(key)) this.#blobs.delete(key)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const log of this.#logs.values()) await log.close()
  }
}

/** An engine that forgets everything with the process. Appends are readable at once, whatever their acks. */
export const memoryEngine = (platform: Platform): LogEngine => new MemoryEngine(platform)
