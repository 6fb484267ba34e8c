/** A progress bar on standard error, where that is a terminal; nothing elsewhere. */
import cliProgress from 'cli-progress'
import type { CliIo } from './io.ts'
import { humanBytes, humanCount } from './output.ts'

export interface Progress {
  /** `done`: of the unit that is shown. */
  update(doneBytes: number, done: number): void
  stop(): void
}

const SILENT: Progress = { update() {}, stop() {} }

/** `totalBytes` undefined: the end is not known, only what was done is shown. */
export function startProgress(
  io: CliIo,
  totalBytes: number | undefined,
  unit: 'messages' | 'bytes' = 'messages',
): Progress {
  if (io.stderr.isTTY !== true) return SILENT
  const known = totalBytes !== undefined
  const bar = new cliProgress.SingleBar({
    stream: io.stderr,
    format: known ? '{bar} {percentage}%  {done}' : '{done}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
  })
  const shown = (done: number): string =>
    unit === 'bytes' ? humanBytes(done) : `${humanCount(done)} messages`
  bar.start(totalBytes ?? 0, 0, { done: shown(0) })
  return {
    update: (doneBytes, done) => bar.update(doneBytes, { done: shown(done) }),
    stop: () => bar.stop(),
  }
}
