import { BrokerError } from '../kernel/errors.ts'
import { EXIT } from '../kernel/exitCodes.ts'
import { Failure } from '../kernel/failure.ts'

const PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links go in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is a file',
  EPERM: 'permission denied',
}

/** Why a file that was named cannot be read; what is no trouble of the operating system stays as it is. */
export function readFailure(error: unknown, path: string): unknown {
  const cause = error instanceof BrokerError && error.code === 'STORAGE_ERROR' ? error.cause : error
  if (!isSystemError(cause)) return error
  const why = PROBLEMS[cause.code] ?? cause.message
  const message = `cannot read ${cause.path ?? path}: ${why}`
  return new Failure(EXIT.NO_INPUT, message, { cause: error })
}

interface SystemError extends Error {
  readonly code: string
  readonly path?: string
}

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'syscall' in error && 'code' in error
