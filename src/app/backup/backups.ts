/** The door for backups of a running broker: one at a time, since what it holds back is disk space. */
import { formatDurationMs } from '../../kernel/duration.ts'
import { BrokerError } from '../../kernel/errors.ts'
import type { Platform } from '../../kernel/platform.ts'
import type { LogEngine } from '../../log/index.ts'
import { type BackupStream, writeBackup } from './writing.ts'

export interface BackupsOptions {
  readonly engine: LogEngine
  readonly platform: Platform
  /** False while the broker starts or stops: not every log is open then. */
  readonly isRunning: () => boolean
}

export class Backups {
  readonly #options: BackupsOptions
  #isBusy = false

  constructor(options: BackupsOptions) {
    this.#options = options
  }

  /**
   * A backup of this moment; `release` is to be called in any case. Rejects with BACKUP_RUNNING, RECOVERING,
   * NOT_AVAILABLE where nothing is stored, STORAGE_ERROR.
   */
  async begin(): Promise<BackupStream> {
    const { engine, platform, isRunning } = this.#options
    if (engine.capture === undefined) {
      throw new BrokerError('NOT_AVAILABLE', 'nothing is stored here that could be backed up')
    }
    if (!isRunning()) throw new BrokerError('RECOVERING', 'the broker does not run yet')
    if (this.#isBusy) throw new BrokerError('BACKUP_RUNNING', 'another backup is under way')
    this.#isBusy = true
    try {
      const startedMs = platform.clock.monotonicMs()
      const capture = await engine.capture()
      const written = writeBackup(capture, platform.clock.nowMs())
      const stream = await written.catch(async (error: unknown) => {
        await capture.release()
        throw error
      })
      const { files } = capture
      platform.logger.info({ files: files.length, bytes: stream.sizeBytes }, 'backup begun')
      return {
        ...stream,
        release: async () => {
          await stream.release()
          if (!this.#isBusy) return
          this.#isBusy = false
          const took = formatDurationMs(platform.clock.monotonicMs() - startedMs)
          platform.logger.info({ took }, 'backup ended')
        },
      }
    } catch (error) {
      this.#isBusy = false
      throw error
    }
  }
}
