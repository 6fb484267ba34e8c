/** Who can reach the broker, and whether anything keeps them from reading and changing everything. */
import type { Settings } from '../config/index.ts'
import { EXIT } from '../kernel/exitCodes.ts'
import { Failure } from '../kernel/failure.ts'
import type { Logger } from '../kernel/platform.ts'
import type { Credentials } from '../listeners/http/index.ts'

const WAYS_OUT = [
  'stay on this machine: --host 127.0.0.1, with a proxy that checks who asks in front',
  'or ask for a key: --api-keys-file, or GOQUEUE_API_KEYS="name:$(openssl rand -hex 32)"',
  'or speak TLS: --tls-cert-file and --tls-key-file; best with keys as well (docs/security.md)',
].join('\n      ')

/**
 * Throws a Failure for an address that other machines can reach where there are neither keys nor TLS; says what is
 * missing where there is one of the two.
 */
export function checkExposure({ host }: Settings, credentials: Credentials, logger: Logger): void {
  if (isLoopback(host)) return
  const hasKeys = credentials.apiKeys.length > 0
  const hasTls = credentials.tls !== undefined
  if (!hasKeys && !hasTls) {
    const message = `refusing to listen on ${host}: everybody who reaches it could read and change everything`
    throw new Failure(EXIT.USAGE, message, { hint: WAYS_OUT })
  }
  if (!hasTls) logger.warn({ host }, 'without TLS: API keys and messages can be read on their way')
  if (!hasKeys) logger.warn({ host }, 'without API keys: whoever reaches this address may do all')
}

/** True for an address that only this machine reaches. Names other than localhost are not looked up. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(host)
