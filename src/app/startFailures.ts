/** What keeps a daemon from starting, in one sentence, and what to do about it in another. */
import type { Settings } from '../config/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import { EXIT } from '../kernel/exitCodes.ts'
import { Failure } from '../kernel/failure.ts'

const systemCode = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

/** Why the data directory cannot be used; a BrokerError with a code of its own stays as it is. */
export function directoryFailure(error: unknown, directory: string): unknown {
  if (!(error instanceof BrokerError) || error.code !== 'STORAGE_ERROR') return error
  const why = DIRECTORY_PROBLEMS[systemCode(error.cause)] ?? error.message
  return new Failure(EXIT.CANNOT_CREATE, `cannot use the data directory ${directory}: ${why}`, {
    cause: error,
    hint: 'name a directory that this user may write to with --data-dir',
  })
}

const DIRECTORY_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'it is a file',
  ELOOP: 'its symbolic links go in a circle',
  ENAMETOOLONG: 'its name is too long',
}

/** Why the address cannot be listened on. */
export function listenFailure(error: unknown, { host, port }: Settings): unknown {
  const known = LISTEN_PROBLEMS[systemCode(error)]
  if (known === undefined) return error
  const [why, hint] = known
  const message = `cannot listen on ${host} port ${port}: ${why}`
  return new Failure(EXIT.UNAVAILABLE, message, { cause: error, hint })
}

const LISTEN_PROBLEMS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EADDRINUSE: [
    'the port is in use',
    'stop what listens there, or take another port: --port 8081, or --port 0 for any free one',
  ],
  EACCES: ['permission denied', 'ports below 1024 need privileges: take another one with --port'],
  EADDRNOTAVAIL: ['this machine has no such address', '--host 0.0.0.0 listens on all it has'],
  ENOTFOUND: ['no such host', '--host takes an address of this machine'],
  EAI_AGAIN: ['the name server does not answer', '--host takes an address of this machine'],
}
