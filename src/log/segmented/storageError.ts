/** The operating system's errors, in the words of the port. */
import { BrokerError, type ErrorCode } from '../../kernel/errors.ts'

const CODES: Readonly<Record<string, ErrorCode | undefined>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EMFILE: 'TOO_MANY_FILES',
  ENFILE: 'TOO_MANY_FILES',
}

/** `error` as a BrokerError that says what was being done: DISK_FULL, TOO_MANY_FILES or STORAGE_ERROR. */
export function storageError(error: unknown, doing: string): BrokerError {
  if (error instanceof BrokerError) return error
  const system = error instanceof Error ? (error as NodeJS.ErrnoException) : undefined
  const code = CODES[system?.code ?? ''] ?? 'STORAGE_ERROR'
  return new BrokerError(code, `${doing}: ${system?.message ?? String(error)}`, { cause: error })
}

/** Bytes of `file` that are not what they should be. */
export const corrupt = (file: string, position: number, reason: string): BrokerError =>
  new BrokerError('LOG_CORRUPT', `${file} at ${position}: ${reason}`)

/** The answer to all that is asked of a log after its fence went up. */
export const fenced = (path: string, cause: BrokerError): BrokerError =>
  new BrokerError(
    'LOG_FENCED',
    `log ${path} takes no writes until it is reopened: ${cause.message}`,
    {
      cause,
    },
  )
