import { describe, expect, test } from 'vitest'
import { checkExposure, isLoopback } from '../../../src/app/exposure.ts'
import { Failure } from '../../../src/kernel/failure.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { DEFAULT_SETTINGS } from '../../support/inProcessDaemon.ts'

const keys = [{ name: 'a', key: 'a'.repeat(32) }]
const certificate = { cert: Buffer.of(), key: Buffer.of() }

function check(host: string, credentials: Parameters<typeof checkExposure>[1]): string[] {
  const warnings: string[] = []
  const logger = {
    ...silentLogger,
    warn: (_: object, message: string): void => void warnings.push(message),
  }
  checkExposure({ ...DEFAULT_SETTINGS, host }, credentials, logger)
  return warnings
}

describe('exposure', () => {
  test.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost', '::ffff:127.0.0.1'])(
    '%s is reached from this machine only',
    (host) => {
      expect(isLoopback(host)).toBe(true)
      expect(check(host, { apiKeys: [] })).toEqual([])
    },
  )

  test.each(['0.0.0.0', '::', '192.168.1.7', 'broker.example', '127.0.0.1.example', '1270.0.0.1'])(
    '%s needs keys or TLS',
    (host) => {
      expect(() => check(host, { apiKeys: [] })).toThrow(Failure)
      try {
        check(host, { apiKeys: [] })
      } catch (error) {
        const { exitCode, message, hint } = error as Failure
        expect([exitCode, message]).toEqual([2, expect.stringContaining(host)])
        for (const way of ['--host 127.0.0.1', '--api-keys-file', '--tls-cert-file']) {
          expect(hint).toContain(way)
        }
      }
    },
  )

  test('one of the two is enough, and what is missing is said', () => {
    expect(check('0.0.0.0', { apiKeys: keys })).toEqual([expect.stringMatching(/^without TLS/)])
    const tls = check('0.0.0.0', { apiKeys: [], tls: certificate })
    expect(tls).toEqual([expect.stringMatching(/^without API keys/)])
    expect(check('0.0.0.0', { apiKeys: keys, tls: certificate })).toEqual([])
  })
})
