/** Backups of a small broker: there and back, refused, damaged, broken off. */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { restoreBackup } from '../../../src/app/backup/restoring.ts'
import { Client, Connection } from '../../../src/client/index.ts'
import { runCli } from '../../support/cliIo.ts'
import { startInProcess, temporaryDirectory } from '../../support/inProcessDaemon.ts'
import { SeededRandom } from '../../support/random.ts'
import { readAll } from '../client/readAll.ts'

const VALUES = Array.from({ length: 500 }, (_, i) => `${i}`.padStart(1000, '.'))

/** A broker with something of everything, and a directory to put files into. */
async function start() {
  const daemon = await startInProcess({ segmentBytes: 64 * 1024, maxRecordBytes: 16 * 1024 })
  const client = new Client({ url: daemon.url })
  onTestFinished(() => client.close())
  await client.admin.createTopic({ name: 'orders', partitions: 2 })
  const producer = client.producer()
  await producer.sendBatch(VALUES.map((value) => ({ topic: 'orders', key: value, value })))
  await producer.send({ topic: 'orders', value: 'later', delayMs: 3_600_000 })
  const seen: string[] = []
  await client
    .worker({
      ...{ group: 'g', topics: ['orders'], untilEmpty: true, pollWaitMs: 0 },
      handler: (message) => void seen.push(message.text()),
    })
    .run()
  expect(seen).toHaveLength(VALUES.length)
  return { daemon, client, directory: await temporaryDirectory() }
}

describe('backup', () => {
  test('comes back as it was, indexes and all', async () => {
    const { daemon, client, directory } = await start()
    const [file, data] = [join(directory, 'b.tar'), join(directory, 'data')]
    const made = await daemon.run(['backup', '--out', file])
    expect(made).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(made.stdout)).toMatchObject({ file, bytes: (await readFile(file)).length })
    const orders = await readAll(client.connection, 'orders', 2)
    const floors = await client.admin.groupOffsets('g')
    await client.close()
    await daemon.stop()

    const restored = await runCli(['restore', file, '--data-dir', data], { terminal: true })
    expect(restored).toMatchObject({ exitCode: 0 })
    expect(restored.stdout).toContain(`serve --data-dir ${data}`)
    expect(readdirSync(data).sort()).toEqual(['FORMAT', 'LOCK', 'delay', 'state', 'topics'])
    expect(await runCli(['dump', data, '--problems'])).toMatchObject({ exitCode: 0 })

    const again = await startInProcess({ dataDir: data })
    const reader = new Client({ url: again.url })
    onTestFinished(() => reader.close())
    expect(await readAll(reader.connection, 'orders', 2)).toEqual(orders)
    expect(await reader.admin.groupOffsets('g')).toEqual(floors)
    expect(await reader.delayed.stats()).toMatchObject({ pending_count: 1 })
    const { offset } = await reader.producer().send({ topic: 'orders', value: 'x', partition: 0 })
    expect(offset).toBe(orders[0]?.length)
  })

  test('goes through pipes', async () => {
    const { daemon, directory } = await start()
    const connection = new Connection({ url: daemon.url })
    onTestFinished(() => connection.close())
    const { chunks, sizeBytes } = await connection.download('/v1/admin/backup')
    const parts: Buffer[] = []
    for await (const chunk of chunks) parts.push(Buffer.from(chunk))
    expect(Buffer.concat(parts).length).toBe(sizeBytes)
    const data = join(directory, 'data')
    const stdin = [Buffer.concat(parts)]
    const restored = await runCli(['restore', '-', '--data-dir', data], { stdin })
    expect(restored).toMatchObject({ exitCode: 0 })
    const terminal = await daemon.run(['backup', '--out', '-'], { terminal: true })
    expect(terminal).toMatchObject({ exitCode: 2 })
  })

  test('overwrites nothing', async () => {
    const { daemon, directory } = await start()
    const [file, data] = [join(directory, 'b.tar'), join(directory, 'data')]
    await writeFile(file, 'precious')
    expect(await daemon.run(['backup', '--out', file])).toMatchObject({ exitCode: 73 })
    expect(await readFile(file, 'utf8')).toBe('precious')
    expect(await daemon.run(['backup', '--out', file, '--force'])).toMatchObject({ exitCode: 0 })
    await mkdir(data)
    await writeFile(join(data, 'mine'), 'precious')
    const refused = await runCli(['restore', file, '--data-dir', data])
    expect(refused).toMatchObject({
      exitCode: 73,
      stderr: expect.stringContaining('mine is there'),
    })
    expect(readdirSync(data)).toEqual(['mine'])
    const running = await runCli(['restore', file, '--data-dir', daemon.dataDir])
    expect(running).toMatchObject({ exitCode: 73 })
  })

  test('is one at a time; one that is broken off lets the next begin', async () => {
    const { daemon, client } = await start()
    const abort = new AbortController()
    const first = await client.admin.backup({ signal: abort.signal })
    const begun = first.chunks[Symbol.asyncIterator]()
    await begun.next()
    const second = await client.admin.backup().then(
      async ({ chunks }) => {
        for await (const _ of chunks);
        return 'done'
      },
      (error) => error.code,
    )
    abort.abort()
    await begun.next().catch(() => undefined)
    // A small one may be over before the next is asked for.
    expect(['done', 'BACKUP_RUNNING']).toContain(second)
    for (;;) {
      const reply = await fetch(`${daemon.url}/admin/backup`)
      await reply.arrayBuffer()
      if (reply.status === 200) break
      expect(reply.status).toBe(409)
    }
    const head = await fetch(`${daemon.url}/admin/backup`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/x-tar'])
  })
})

describe('a damaged backup', () => {
  const backupOf = async () => {
    const { daemon, directory } = await start()
    const bytes = Buffer.from(await (await fetch(`${daemon.url}/admin/backup`)).arrayBuffer())
    const data = join(directory, 'data')
    const restore = (damaged: Buffer) =>
      restoreBackup({ backup: Readable.from([damaged], { objectMode: false }), directory: data })
    return { bytes, data, restore }
  }

  test('is refused and leaves nothing behind, wherever a byte is wrong', async () => {
    const { bytes, data, restore } = await backupOf()
    const seed = Number(process.env['GOQUEUE_SEED'] ?? Date.now())
    const random = new SeededRandom(seed)
    for (let i = 0; i < 25; i += 1) {
      const at = Math.floor(random.next() * bytes.length)
      const block = Math.floor(at / 512) * 512
      // Zeros between two files mean nothing.
      if (bytes[at] === 0 && bytes.subarray(at, block + 512).every((byte) => byte === 0)) continue
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] as number) ^ (1 << Math.floor(random.next() * 8))
      await expect(restore(damaged), `byte ${at}, seed ${seed}`).rejects.toMatchObject({
        code: expect.stringMatching(/CORRUPT_RECORD|FORMAT_TOO_NEW/),
      })
      expect(existsSync(data)).toBe(false)
    }
    await restore(bytes)
  })

  test('is refused where its end is missing, or it is something else', async () => {
    const { bytes, data, restore } = await backupOf()
    for (const length of [0, 100, 512, 5000, bytes.length - 1024, bytes.length - 4096]) {
      await expect(restore(bytes.subarray(0, length))).rejects.toMatchObject({
        code: 'CORRUPT_RECORD',
      })
      expect(existsSync(data)).toBe(false)
    }
    await expect(restore(Buffer.from('{"not":"a tar"}'.repeat(100)))).rejects.toMatchObject({
      code: 'CORRUPT_RECORD',
    })
  })

  test('leads nowhere outside of its directory', async () => {
    const { bytes, data, restore } = await backupOf()
    const at = bytes.indexOf('topics/orders')
    const escaping = Buffer.from(bytes)
    escaping.write('../../orders~', at)
    // The head's own checksum has to be right for the name to be looked at.
    const head = escaping.subarray(Math.floor(at / 512) * 512, Math.floor(at / 512) * 512 + 512)
    head.write('        ', 148)
    const sum = head.reduce((total, byte) => total + byte, 0)
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    const message = expect.stringMatching(/"\.\.\/\.\.\/orders.* is no name/)
    await expect(restore(escaping)).rejects.toMatchObject({ message })
    expect(readdirSync(dirname(data))).toEqual([])
  })
})
