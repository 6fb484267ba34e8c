/**
 * How the process ends: on a signal in order and with 0, on a second signal at once, on a bug at once and with 70.
 */
import closeWithGrace from 'close-with-grace'
import { EXIT } from '../kernel/exitCodes.ts'
import type { RootLogger } from '../observability/index.ts'

/** These ask for no end, or nothing can be done about them. */
const SKIPPED: closeWithGrace.AllEvents[] = [
  ...(['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2'] as const),
  'beforeExit',
]
/** Stopping takes a few seconds at most; this is for a disk that hangs. */
const STOP_MS_MAX = 9_500

export interface Stoppable {
  stop(): Promise<void>
}

export interface SignalOptions {
  /** What SIGHUP does where no terminal is there to hang up; without it SIGHUP is one more signal that ends. */
  readonly reload?: (() => Promise<void>) | undefined
}

/**
 * Ends the process with exit code 0 once `daemon` has stopped after SIGTERM, SIGINT, SIGQUIT, or the SIGHUP of a
 * terminal. Returns what undoes this.
 */
export function stopOnSignals(
  daemon: Stoppable,
  logger: RootLogger,
  { reload }: SignalOptions = {},
): () => void {
  const reloads = reload !== undefined && !hasTerminal()
  if (reloads) process.on('SIGHUP', reload)
  const { uninstall } = closeWithGrace(
    {
      delay: STOP_MS_MAX,
      skip: reloads ? [...SKIPPED, 'SIGHUP'] : SKIPPED,
      logger: false,
      onSecondSignal: (signal) => {
        logger.warn(
          { signal },
          'a second signal: stopping at once, the next start will check the logs',
        )
      },
      onTimeout: (delayMs) => logger.error({ delayMs }, 'did not stop in time'),
    },
    async ({ err, signal }) => {
      if (err !== undefined) dieOf(err, logger)
      logger.info({ signal }, 'stopping')
      try {
        await daemon.stop()
        logger.info({}, 'stopped')
      } catch (error) {
        logger.error({ error }, 'did not stop cleanly')
        throw error
      }
    },
  )
  return () => {
    uninstall()
    if (reloads) process.off('SIGHUP', reload)
  }
}

const hasTerminal = (): boolean =>
  [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY === true)

/** A broken invariant or an error that nobody handled: memory cannot be trusted, so nothing more is written. */
export function dieOf(error: unknown, logger: RootLogger): never {
  logger.fatal({ error }, 'internal error: the process ends, the next start recovers')
  process.exit(EXIT.INTERNAL)
}
