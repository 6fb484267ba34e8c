/** The life of the daemon as a process: how it starts, what keeps it from starting, how it ends. */
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { goqueue, startDaemon, startGoqueue, temporaryDirectory } from '../support/daemon.ts'

const TERMINATED = { code: 0, signal: null }

describe('start', () => {
  test('prints its address in one JSON line and writes nothing outside of its directory', async () => {
    const cwd = await temporaryDirectory()
    const dataDir = join(cwd, 'a', 'b')
    const command = startGoqueue(['serve', '--port', '0', '--data-dir', dataDir], { cwd })
    expect(JSON.parse(await command.nextLine())).toMatchObject({
      level: 'info',
      msg: 'ready',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      dataDir,
      topicCount: 0,
    })
    command.process.kill('SIGTERM')
    expect(await command.exit).toMatchObject({ ...TERMINATED, stderr: '' })
  })

  test('takes its settings from a file, from variables and from flags', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'goqueue.yaml')
    await writeFile(file, 'partitions: 7\nretention: 2d\nport: 1\n')
    const daemon = await startDaemon({
      args: ['--segment-bytes', '1MiB'],
      env: { GOQUEUE_CONFIG: file, GOQUEUE_RETENTION: '3d' },
    })
    await daemon.ask('POST', '/topics', { name: 't' })
    expect(await daemon.ask('GET', '/topics/t')).toMatchObject({
      partitions: 7,
      config: { retention_ms: 259_200_000, segment_bytes: 1_048_576 },
    })
  })

  test('with a wrong configuration ends with 78 and names everything that is wrong', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'goqueue.yaml')
    await writeFile(file, 'prot: 80\nsegment-bytes: 1B\n')
    const args = ['serve', '-c', file, '--port', 'http']
    const { code, stdout, stderr } = await goqueue(args, { env: { GOQUEUE_VERIFY: 'none' } })
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    expect(stderr.split('\n')).toEqual([
      'error: 4 problems in the configuration',
      `  ${file}:1: "prot" is no setting; did you mean port?`,
      `  ${file}:2: segment-bytes must be 1KiB to 1GiB, not 1B`,
      '  GOQUEUE_VERIFY: verify must be one of tail, all, not "none"',
      '  --port: port must be a whole number, not "http"',
      expect.stringMatching(/^hint: /),
      '',
    ])
  })

  test('on a port that is taken ends with 69 and says what to do', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const address = taken.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const args = ['serve', '--port', port, '--data-dir', await temporaryDirectory()]
    const { code, stderr } = await goqueue(args)
    expect(code).toBe(69)
    expect(stderr).toBe(
      `error: cannot listen on 127.0.0.1 port ${port}: the port is in use\n` +
        'hint: stop what listens there, or take another port: --port 8081, or --port 0 for any free one\n',
    )
  })

  test('on a directory that another daemon has ends with 73 and names that one', async () => {
    const daemon = await startDaemon()
    const second = await goqueue(['serve', '--port', '0', '--data-dir', daemon.dataDir])
    expect(second.code).toBe(73)
    expect(second.stderr).toMatch(
      new RegExp(`^error: .* is in use by process ${daemon.pid} .*\\nhint: stop that process`),
    )
    // By another name it is the same directory.
    const link = join(await temporaryDirectory(), 'link')
    await symlink(daemon.dataDir, link)
    expect((await goqueue(['serve', '--port', '0', '--data-dir', link])).code).toBe(73)
    await daemon.ask('POST', '/topics', { name: 'still-alive' })
  })

  test('on a path that is no directory ends with 73', async () => {
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    for (const path of [file, join(file, 'below')]) {
      const { code, stderr } = await goqueue(['serve', '--port', '0', '--data-dir', path])
      expect(code).toBe(73)
      expect(stderr).toMatch(/^error: cannot use the data directory .*\nhint: name a directory/)
    }
  })

  test('on the directory of a newer version ends with 65 and leaves it as it is', async () => {
    const dataDir = await temporaryDirectory()
    await mkdir(dataDir, { recursive: true })
    await writeFile(join(dataDir, 'FORMAT'), '{"format":999}\n')
    const { code, stderr } = await goqueue(['serve', '--port', '0', '--data-dir', dataDir])
    expect(code).toBe(65)
    expect(stderr).toMatch(/FORMAT_TOO_NEW\)\nhint: a newer goqueue wrote this directory/)
  })
})

describe('end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s is 0, with everything on disk',
    async (signal) => {
      const daemon = await startDaemon()
      await daemon.run(['topic', 'create', 't', '-p', '1'])
      await daemon.run(['produce', 't', 'x', '--acks', 'leader'])
      process.kill(daemon.pid, signal)
      const { code, stdout } = await daemon.exit
      expect(code).toBe(0)
      const logged = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).msg)
      expect(logged).toEqual(['ready', 'stopping', 'stopped'])
      expect(await readdir(daemon.dataDir)).toContain('CLEAN')
      const second = await startDaemon({ dataDir: daemon.dataDir })
      expect(await second.ask('GET', '/topics/t/partitions/0/messages')).toMatchObject({
        messages: [{ value: 'x' }],
      })
    },
  )

  test('answers a poll that waits, at once', async () => {
    const daemon = await startDaemon()
    await daemon.ask('POST', '/topics', { name: 't', num_partitions: 1 })
    const path = '/topics/t/partitions/0/messages'
    const poll = fetch(`${daemon.url}${path}?timeout=60s`)
    await waitingPolls(daemon.url, 1)
    const stopped = daemon.stop()
    const reply = await poll
    expect(reply.status).toBe(200)
    expect(await reply.json()).toMatchObject({ messages: [], next_offset: 0 })
    expect(await stopped).toMatchObject({ code: 0 })
  })

  test('frees the directory also after a crash', async () => {
    const daemon = await startDaemon()
    await daemon.ask('POST', '/topics', { name: 't' })
    expect(await daemon.kill()).toMatchObject({ code: null, signal: 'SIGKILL' })
    const second = await startDaemon({ dataDir: daemon.dataDir })
    expect(await second.ask('GET', '/topics')).toEqual({ topics: ['t'] })
  })
})

/** Resolves once so many long polls wait, as the metrics say. */
async function waitingPolls(url: string, count: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text()
    if (text.includes(`\ngoqueue_http_long_polls_waiting ${count}\n`)) return
  }
}
