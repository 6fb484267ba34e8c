/** Who gets in, from outside: refusals to start, keys that change, signals that come early. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { goqueue, startGoqueue, temporaryDirectory } from '../support/daemon.ts'

const KEY = 'key-of-the-tests-0123456789'

test('a broker that everybody could reach does not start, and says what to do', async () => {
  const dataDir = join(await temporaryDirectory(), 'data')
  const args = ['serve', '--host', '0.0.0.0', '--port', '0', '--data-dir', dataDir]
  const { code, stderr, stdout } = await goqueue(args)
  expect([code, stdout]).toEqual([2, ''])
  for (const way of ['--host 127.0.0.1', '--api-keys-file', '--tls-cert-file']) {
    expect(stderr).toContain(way)
  }
})

test('a signal in the middle of a start ends it in order, with 0', async () => {
  const dataDir = await temporaryDirectory()
  const args = ['serve', '--host', '0.0.0.0', '--port', '0', '--data-dir', dataDir]
  const command = startGoqueue(args, { env: { GOQUEUE_API_KEYS: KEY } })
  // Said before anything is opened.
  expect(JSON.parse(await command.nextLine())).toMatchObject({ level: 'warn' })
  command.process.kill('SIGTERM')
  expect(await command.exit).toMatchObject({ code: 0, signal: null })
})

test('SIGHUP reads the keys again, and keeps the old ones where the new ones are none', async () => {
  const file = join(await temporaryDirectory(), 'keys')
  await writeFile(file, `one: ${KEY}`)
  await chmod(file, 0o600)
  const dataDir = join(await temporaryDirectory(), 'data')
  const args = ['serve', '--port', '0', '--data-dir', dataDir, '--api-keys-file', file]
  const command = startGoqueue(args)
  const seen: string[] = []
  const logged = async (message: string): Promise<Record<string, string>> => {
    for (;;) {
      const line = await command.nextLine()
      seen.push(line)
      const entry = JSON.parse(line)
      if (entry.msg === message) return entry
    }
  }
  const { url } = await logged('ready')
  const status = async (key: string): Promise<number> => {
    const headers = { authorization: `Bearer ${key}` }
    return (await fetch(`${url}/topics`, { headers })).status
  }
  expect([await status(KEY), await status('')]).toEqual([200, 401])
  await writeFile(file, `one: ${KEY}-new`)
  command.process.kill('SIGHUP')
  await logged('keys and certificate reloaded')
  expect([await status(`${KEY}-new`), await status(KEY)]).toEqual([200, 401])
  await writeFile(file, 'tiny')
  command.process.kill('SIGHUP')
  await logged('keys and certificate stay as they were')
  expect(await status(`${KEY}-new`)).toBe(200)
  command.process.kill('SIGTERM')
  expect(await command.exit).toMatchObject({ code: 0 })
  expect(seen.join('\n')).not.toContain(KEY)
})
