/** Showing something again and again, on a terminal in one place. */
import type { Cli } from './context.ts'
import type { Output } from './output.ts'

/** Cursor home, and nothing below it. */
const CLEAR = '\x1b[H\x1b[2J'

export interface Watch {
  readonly cli: Pick<Cli, 'interrupted'>
  readonly out: Output
  readonly intervalMs: number
}

/** Resolves when it is interrupted, or nobody reads any more. Rejects where `show` does. */
export async function frames(
  { cli, out, intervalMs }: Watch,
  show: () => Promise<void>,
): Promise<void> {
  const { interrupted } = cli
  while (!interrupted.aborted && !out.readerGone) {
    if (out.isTerminal && out.format === 'table') await out.bytes(CLEAR)
    await show()
    await passed(intervalMs, interrupted)
  }
}

/** Resolves after so many milliseconds, or when `signal` aborts. */
export const passed = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
