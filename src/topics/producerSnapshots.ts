/**
 * What all partitions remember of their producers, in one small file: written when the broker stops and each time
 * so much was appended that a start after a crash would have to read for long to learn it again.
 *
 * Losing the file costs a longer start and nothing else: the log knows it all.
 */
import type { Logger } from '../kernel/platform.ts'
import { MiB } from '../kernel/units.ts'
import type { BlobStore } from '../log/index.ts'
import type { ProducersSnapshot } from './producers.ts'

/** Read again after a crash, at the most: about 0.1 s of small records. */
const SNAPSHOT_EVERY_BYTES = 64 * MiB
const BLOB = 'state/producers/snapshot'

/** By path of the partition. */
export type ProducerSnapshots = ReadonlyMap<string, ProducersSnapshot>

export interface ProducerSnapshotsOptions {
  readonly blobs: BlobStore
  readonly logger: Logger
  /** What is to be remembered now. */
  readonly collect: () => Iterable<readonly [string, ProducersSnapshot]>
}

export class ProducerSnapshotStore {
  readonly #options: ProducerSnapshotsOptions
  #unsavedBytes = 0
  #saving: Promise<void> = Promise.resolve()

  constructor(options: ProducerSnapshotsOptions) {
    this.#options = options
  }

  /** An unreadable file is as good as none. */
  async load(): Promise<ProducerSnapshots> {
    const bytes = await this.#options.blobs.get(BLOB)
    if (bytes === undefined) return new Map()
    try {
      return new Map(JSON.parse(bytes.toString()) as [string, ProducersSnapshot][])
    } catch (error) {
      this.#options.logger.warn({ file: BLOB, error }, 'producers are learnt from the logs again')
      return new Map()
    }
  }

  /** Notes an append; now and then this starts a snapshot beside it. */
  appended(bytes: number): void {
    this.#unsavedBytes += bytes
    if (this.#unsavedBytes >= SNAPSHOT_EVERY_BYTES) void this.save()
  }

  /** Resolves when what is known now is on disk, or could not be written, which is logged. */
  save(): Promise<void> {
    this.#unsavedBytes = 0
    this.#saving = this.#saving.then(() => this.#write())
    return this.#saving
  }

  async #write(): Promise<void> {
    const { blobs, collect, logger } = this.#options
    try {
      await blobs.put(BLOB, Buffer.from(JSON.stringify([...collect()])))
    } catch (error) {
      logger.warn({ file: BLOB, error }, 'producers not saved')
    }
  }
}
