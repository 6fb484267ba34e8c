/** A progress bar on standard error, where that is a terminal; nothing elsewhere. */
import cliProgress from 'cli-progress'
import type { CliIo } from './io.ts'
import { humanCount } from './output.ts'

export interface Progress {
  update(doneBytes: number, messages: number): void
  stop(): void
}

const SILENT: Progress = { update() {}, stop() {} }

/** `totalBytes` undefined: the end is not known, only what was done is shown. */
export function startProgress(io: CliIo, totalBytes: number | undefined): Progress {
  if (io.stderr.isTTY !== true) return SILENT
  const known = totalBytes !== undefined
  const bar = new cliProgress.SingleBar({
    stream: io.stderr,
    format: known ? '{bar} {percentage}%  {messages} messages' : '{messages} messages',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
  })
  bar.start(totalBytes ?? 0, 0, { messages: '0' })
  return {
    update: (doneBytes, messages) => bar.update(doneBytes, { messages: humanCount(messages) }),
    stop: () => bar.stop(),
  }
}
