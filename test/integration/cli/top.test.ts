/** `goqueue top` against a broker that is there, and one that is not. */
import { PassThrough } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { run } from '../../../src/cli/run.ts'
import { fakeIo } from '../../support/cliIo.ts'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

const QUICK = ['--interval', '100ms']

async function withMessages(): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 'orders', '-p', '2'])
  const stdin = Array.from({ length: 30 }, (_, i) => `${i}\n`)
  await daemon.run(['produce', 'orders'], { stdin })
  const held = ['consume', 'orders', '-g', 'g', '--mode', 'ack', '--hold', '1m', '-n', '5']
  await daemon.run([...held, '-o', 'value'])
  return daemon
}

/** A terminal with a keyboard; what is shown on it is `screen.text`. */
function terminal(url: string, columns = 80) {
  const { io, stdout } = fakeIo({ terminal: true, columns, env: { GOQUEUE_URL: url } })
  const raw: boolean[] = []
  const keyboard = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (on: boolean) => void raw.push(on),
  })
  return { io: { ...io, stdin: keyboard }, screen: stdout, keyboard, raw }
}

describe('goqueue top', () => {
  test('gives programs one object for one look', async () => {
    const daemon = await withMessages()
    const { exitCode, stdout, stderr } = await daemon.run(['top', '--once', ...QUICK])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ up: true, url: daemon.url, version: expect.stringMatching(/^\d/) },
      process: { partitions_unavailable: 0, memory_bytes: expect.any(Number) },
      deliveries: { in_flight: 5 },
      lanes: { normal: { ready: 25, in_flight: 5 } },
      topics: [
        {
          ...{ topic: 'orders', partitions: 2, messages: 30, lag: 30, ready: 25, in_flight: 5 },
          in_rate: 0,
        },
      ],
      groups: [{ group: 'g', lag: 30, in_flight: 5 }],
    })
  })

  test('counts what happens between two looks', async () => {
    const daemon = await withMessages()
    const { io, stdout } = fakeIo({ env: { GOQUEUE_URL: daemon.url } })
    const running = run(['top', ...QUICK], io)
    const seen = () =>
      stdout.text
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { traffic: { in_rate: number }; up: boolean })
    await vi.waitFor(() => expect(seen().length).toBeGreaterThan(1), { timeout: 10_000 })
    await daemon.run(['produce', 'orders'], { stdin: ['a\n', 'b\n'] })
    const isSeen = () => expect(seen().some(({ traffic }) => traffic.in_rate > 0)).toBe(true)
    await vi.waitFor(isSeen, { timeout: 10_000 })
    process.emit('SIGTERM')
    expect(await running).toBe(0)
  })

  test('draws a screen of its own until q, and leaves the terminal as it was', async () => {
    const daemon = await withMessages()
    const { io, screen, keyboard, raw } = terminal(daemon.url)
    const running = run(['top', ...QUICK], io)
    await vi.waitFor(() => expect(screen.text).toContain('orders'), { timeout: 10_000 })
    expect(screen.text.startsWith('\x1b[?1049h\x1b[?25l')).toBe(true)
    keyboard.write('q')
    expect(await running).toBe(0)
    expect(screen.text.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true)
    expect(raw).toEqual([true, false])
  })

  test('says that the broker does not answer, and goes on when it does again', async () => {
    const first = await startInProcess()
    const port = Number(new URL(first.url).port)
    const { io, screen, keyboard } = terminal(first.url)
    const running = run(['top', ...QUICK], io)
    await vi.waitFor(() => expect(screen.text).toContain('requests'), { timeout: 10_000 })
    await first.stop()
    await vi.waitFor(() => expect(screen.text).toContain('CONNECTION_FAILED'), { timeout: 10_000 })
    const shown = screen.text.length
    await startInProcess({ port, dataDir: first.dataDir })
    const isBack = () => expect(screen.text.slice(shown)).toContain('requests')
    await vi.waitFor(isBack, { timeout: 10_000 })
    keyboard.write('\x03')
    expect(await running).toBe(0)
  })

  test('ends as other commands do where one look is asked for and nobody answers', async () => {
    const daemon = await startInProcess()
    await daemon.stop()
    expect((await daemon.run(['top', '--once'])).exitCode).toBe(69)
    expect((await daemon.run(['top', '--sort', 'colour'])).exitCode).toBe(2)
  })
})
