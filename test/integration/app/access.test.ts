/** The way in: TLS and API keys together, from the settings to the clients. */
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Client } from '../../../src/client/index.ts'
import type { Settings } from '../../../src/config/index.ts'
import { startInProcess, temporaryDirectory } from '../../support/inProcessDaemon.ts'

const KEY = 'key-of-the-tests-0123456789'
const pem = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const TLS = { tlsCertFile: pem('first.crt'), tlsKeyFile: pem('first.key') }

function clientOf(options: ConstructorParameters<typeof Client>[0]): Client {
  const client = new Client(options)
  onTestFinished(() => client.close())
  return client
}

const start = (change: Partial<Settings> = {}) =>
  startInProcess({ ...TLS, apiKeys: [`tests:${KEY}`], ...change })

describe('a broker with TLS and keys', () => {
  test('serves a client that has the key and trusts the certificate, worker and all', async () => {
    const { url } = await start()
    expect(url).toMatch(/^https:/)
    const ca = await readFile(pem('first.crt'), 'utf8')
    const client = clientOf({ url, apiKey: KEY, ca })
    await client.admin.createTopic({ name: 'jobs', partitions: 1 })
    await client.producer().sendBatch([{ topic: 'jobs', value: 'a' }])
    const warnings: string[] = []
    const extensions = async (): Promise<number> => {
      const path = '/reliability/stats'
      const reply = await client.connection.askJson({ method: 'GET', path })
      return (reply as { visibility_extensions: number }).visibility_extensions
    }
    let done: () => void
    const handled = new Promise<void>((resolve) => {
      done = resolve
    })
    const worker = client.worker({
      ...{ group: 'g', topics: ['jobs'], leaseMs: 1500 },
      handler: async () => {
        // Renewed by a thread of its own, over connections of its own.
        while ((await extensions()) === 0) await new Promise((next) => setImmediate(next))
        done()
      },
      onWarning: ({ code }) => warnings.push(code),
    })
    await worker.start()
    await handled
    await worker.close()
    expect(warnings).not.toContain('RENEWAL_FAILED')
  })

  test('is no broker for whoever does not trust its certificate', async () => {
    const { url } = await start()
    const other = await readFile(pem('second.crt'), 'utf8')
    for (const ca of [undefined, other]) {
      const asked = clientOf({ url, apiKey: KEY, ca }).admin.listTopics()
      await expect(asked).rejects.toMatchObject({
        code: 'CONNECTION_FAILED',
        message: expect.stringContaining('certificate'),
      })
    }
    const http = clientOf({ url: url.replace('https', 'http'), apiKey: KEY })
    await expect(http.admin.listTopics()).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
  })

  test('tells the command line what is missing', async () => {
    const { run } = await start()
    const ca = ['--ca-file', pem('first.crt')]
    const done = await run(['topic', 'list', ...ca, '--api-key', KEY])
    expect(done).toMatchObject({ exitCode: 0, stdout: '{\n  "topics": []\n}\n' })
    const env = { GOQUEUE_API_KEY: KEY, GOQUEUE_CA_FILE: pem('first.crt') }
    expect(await run(['topic', 'list'], { env })).toMatchObject({ exitCode: 0 })
    const keyless = await run(['topic', 'list', ...ca])
    expect(keyless).toMatchObject({
      exitCode: 77,
      stderr: expect.stringMatching(/UNAUTHORIZED[\s\S]*hint: .*GOQUEUE_API_KEY/),
    })
    const wrong = await run(['topic', 'list', ...ca], { env: { GOQUEUE_API_KEY: `${KEY}x` } })
    expect(wrong).toMatchObject({ exitCode: 77, stderr: expect.stringContaining('not known') })
    const untrusted = await run(['topic', 'list', '--api-key', KEY])
    expect(untrusted).toMatchObject({
      exitCode: 69,
      stderr: expect.stringContaining('--ca-file'),
    })
    const none = await run(['topic', 'list', '--ca-file', pem('first.key')])
    expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no certificate') })
    expect(await run(['health', ...ca])).toMatchObject({ exitCode: 0 })
  })

  // A handshake that nobody cuts off takes 10 s.
  const soon = { timeout: 8_000 }
  test(
    'speaks no TLS older than 1.2, and stops with a client in the middle of its handshake',
    soon,
    async () => {
      const { url, stop } = await start()
      const { port } = new URL(url)
      const old = connectTls({
        ...{ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false },
        ...{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      })
      expect(await new Promise((resolve) => old.once('error', resolve))).toBeInstanceOf(Error)
      const silent = connectPlain(Number(port), '127.0.0.1')
      onTestFinished(() => void silent.destroy())
      await new Promise<void>((resolve) => silent.once('connect', resolve))
      // Accepted for certain once a later connection is answered.
      const ca = await readFile(pem('first.crt'), 'utf8')
      await clientOf({ url, ca, apiKey: KEY }).admin.readiness()
      const cut = new Promise((resolve) => silent.once('close', resolve))
      await stop()
      await cut
    },
  )
})

describe('credentials', () => {
  const fileOf = async (text: string): Promise<string> => {
    const path = join(await temporaryDirectory(), 'keys')
    await writeFile(path, text, { mode: 0o600 })
    return path
  }

  test('of file and variable hold together', async () => {
    const apiKeysFile = await fileOf('# ours\nshop: another-key-0123456789\n')
    const { url } = await startInProcess({ apiKeysFile, apiKeys: [KEY] })
    for (const apiKey of [KEY, 'another-key-0123456789']) {
      expect(await clientOf({ url, apiKey }).admin.listTopics()).toEqual([])
    }
  })

  test.each<[string, () => Promise<Partial<Settings>>, RegExp]>([
    ['a short key', async () => ({ apiKeys: ['short'] }), /GOQUEUE_API_KEYS: key 1 is shorter/],
    ['an empty file', async () => ({ apiKeysFile: await fileOf('# none yet\n') }), /holds no key/],
    ['no file', async () => ({ apiKeysFile: '/nowhere/keys' }), /there is no file \/nowhere\/keys/],
    ['a key alone', async () => ({ tlsKeyFile: pem('first.key') }), /needs tls-cert-file/],
    ['a certificate alone', async () => ({ tlsCertFile: pem('first.crt') }), /needs tls-key-file/],
    [
      'the key of another certificate',
      async () => ({ ...TLS, tlsKeyFile: pem('second.key') }),
      /second\.key: is not the key of the certificate .*first\.crt/,
    ],
    [
      'files the wrong way round',
      async () => ({ tlsCertFile: pem('first.key'), tlsKeyFile: pem('first.crt') }),
      /first\.key: is not a certificate[\s\S]*first\.crt: is not a private key/,
    ],
  ])('%s keeps the daemon from starting, and is named', async (_, change, message) => {
    await expect(startInProcess(await change())).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringMatching(message),
    })
  })

  test('nor does it start for everybody to reach without any', async () => {
    await expect(startInProcess({ host: '0.0.0.0' })).rejects.toMatchObject({ exitCode: 2 })
    const { url } = await startInProcess({ host: '0.0.0.0', apiKeys: [KEY] })
    expect(await clientOf({ url, apiKey: KEY }).admin.listTopics()).toEqual([])
  })

  test('are read again: keys and certificate from then on are the new ones', async () => {
    const directory = await temporaryDirectory()
    const [cert, key, keys] = ['crt', 'key', 'keys'].map((name) => join(directory, name))
    const put = async (name: string, text: string): Promise<void> => {
      await copyFile(pem(`${name}.crt`), cert ?? '')
      await copyFile(pem(`${name}.key`), key ?? '')
      await writeFile(keys ?? '', text)
    }
    await put('first', KEY)
    const { url, reload } = await startInProcess({
      ...{ tlsCertFile: cert ?? '', tlsKeyFile: key ?? '', apiKeysFile: keys ?? '' },
    })
    const first = { url, ca: await readFile(pem('first.crt'), 'utf8'), apiKey: KEY }
    const second = { ...first, ca: await readFile(pem('second.crt'), 'utf8'), apiKey: `${KEY}2` }
    const topics = (access: typeof first) => clientOf(access).admin.listTopics()
    expect(await topics(first)).toEqual([])
    await put('second', `${KEY}2`)
    await reload()
    expect(await topics(second)).toEqual([])
    await expect(topics(first)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
    await expect(topics({ ...second, apiKey: KEY })).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await writeFile(keys ?? '', 'tiny')
    await reload()
    expect(await topics(second)).toEqual([])
  })
})
