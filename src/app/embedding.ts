/**
 * The broker inside a program: the same as the daemon's, without HTTP.
 *
 *   import { Broker, decodeRecords } from 'goqueue/broker'
 *
 *   const broker = await Broker.open({ directory: './data' })
 *   await broker.createTopic('orders', { partitions: 3 })
 *   await broker.publish('orders', [{ key: 'customer-7', value: '{"id":1}' }])
 *   const { bytes } = await broker.read('orders', 0)
 *   for (const { offset, value } of decodeRecords(bytes)) console.log(offset, value?.toString())
 *   await broker.close()
 */
import { Broker as BrokerService, type BrokerSettings } from '../broker/index.ts'
import { nodeFileSystem } from '../io/index.ts'
import { type Clock, type Logger, type Platform, silentLogger } from '../kernel/platform.ts'
import { systemClock } from '../kernel/systemClock.ts'
import { type LogEngine, memoryEngine, openSegmentedEngine } from '../log/index.ts'

export interface OpenOptions {
  /** Where the data lies; made where it is missing. One broker at a time may have it open. */
  readonly directory?: string
  /** True instead of a directory: everything is forgotten with the process. */
  readonly memory?: boolean
  /** Default: the machine's clock. */
  readonly clock?: Clock
  /** Default: says nothing. */
  readonly logger?: Logger
  /** Default: Math.random. */
  readonly random?: () => number
  readonly settings?: Partial<BrokerSettings>
}

export class Broker extends BrokerService {
  /**
   * Resolves with a broker that takes calls. Rejects with DATA_DIR_LOCKED while another process has the directory
   * open, FORMAT_TOO_NEW, LOG_CORRUPT or STORAGE_ERROR; with a TypeError unless either `directory` or `memory` is
   * given.
   */
  static async open(options: OpenOptions): Promise<Broker> {
    const platform: Platform = {
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      logger: options.logger ?? silentLogger,
    }
    const engine = await openEngine(options, platform)
    const broker = new Broker({ engine, platform, settings: options.settings })
    try {
      await broker.start()
    } catch (error) {
      await broker.stop()
      throw error
    }
    return broker
  }

  /** Resolves when what was published is on disk and the directory is free again. */
  async close(): Promise<void> {
    await this.stop()
  }
}

async function openEngine(options: OpenOptions, platform: Platform): Promise<LogEngine> {
  const { directory, memory = false } = options
  if (memory === (directory !== undefined)) {
    throw new TypeError('Broker.open needs either a directory or memory: true')
  }
  if (directory === undefined) return memoryEngine(platform)
  return await openSegmentedEngine({ directory, fileSystem: nodeFileSystem, platform })
}
