/** What `goqueue priority` shows of a broker. */
import { describe, expect, test, vi } from 'vitest'
import { Output } from '../../../src/cli/output.ts'
import { run } from '../../../src/cli/run.ts'
import { frames } from '../../../src/cli/watch.ts'
import type { PriorityStats } from '../../../src/client/index.ts'
import { fakeIo } from '../../support/cliIo.ts'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

/** A topic with 3 critical, 1 normal and 8 background messages; group `g` holds two of the critical ones. */
async function withLanes(): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 't', '-p', '1'])
  const stdin = [['critical', 3] as const, ['normal', 1] as const, ['background', 8] as const]
    .flatMap(([priority, count]) => Array.from({ length: count }, () => ({ priority })))
    .map((line) => `${JSON.stringify(line)}\n`)
  await daemon.run(['produce', 't', '--priority-field', 'priority'], { stdin })
  const held = [
    'consume',
    't',
    '-g',
    'g',
    '--mode',
    'ack',
    '--hold',
    '1m',
    '-n',
    '2',
    '-o',
    'value',
  ]
  expect((await daemon.run(held)).exitCode).toBe(0)
  return daemon
}

const rowOf = (text: string, first: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/))
    .find(([name]) => name === first) ?? []

describe('goqueue priority', () => {
  test('gives programs what the broker says', async () => {
    const daemon = await withLanes()
    const { exitCode, stdout, stderr } = await daemon.run(['priority'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const stats = JSON.parse(stdout) as PriorityStats
    expect(stats.messages_by_priority).toMatchObject({ critical: 1, normal: 1, background: 8 })
    expect(stats.topics['t']?.['0']?.critical).toMatchObject({ ready: 1, in_flight: 2 })
  })

  test('shows people a table with bars, and the partitions of a topic where it is named', async () => {
    const daemon = await withLanes()
    const { exitCode, stdout, stderr } = await daemon.run(['priority', '-o', 'table', '-t', 't'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(rowOf(stdout, 'background').slice(0, 3)).toEqual(['background', '8', '█'.repeat(20)])
    expect(rowOf(stdout, 'critical').slice(0, 4)).toEqual(['critical', '1', '██▌', '2'])
    expect(rowOf(stdout, 'high').slice(0, 3)).toEqual(['high', '0', '0'])
    expect(rowOf(stdout, 'critical')).toContain('100.0 %')
    expect(rowOf(stdout, 't')).toEqual(['t', '1', '0', '1', '0', '8', '2'])
    expect(rowOf(stdout, '0')).toEqual(['0', '1', '0', '1', '0', '8', '2'])
    expect(rowOf(stdout, 'g').slice(0, 3)).toEqual(['g', '2', '0'])
  })

  test('is as good where nothing was ever sent', async () => {
    const daemon = await startInProcess()
    const { exitCode, stdout, stderr } = await daemon.run(['priority', '-o', 'table', '-t', 't'])
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'no group takes from t by priority\n',
    })
    expect(rowOf(stdout, 'critical').slice(0, 3)).toEqual(['critical', '0', '0'])
  })

  test('--watch writes a line for each look, until it is interrupted', async () => {
    const daemon = await withLanes()
    const { io, stdout } = fakeIo({ env: { GOQUEUE_URL: daemon.url } })
    const running = run(['priority', '--watch', '--interval', '100ms'], io)
    const linesNow = (): string[] => stdout.text.trim().split('\n')
    await vi.waitFor(() => expect(linesNow().length).toBeGreaterThan(1), { timeout: 10_000 })
    process.emit('SIGTERM')
    expect(await running).toBe(0)
    const lines = linesNow()
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('messages_by_priority')
  })

  test('ends as other commands do where no broker answers', async () => {
    const daemon = await startInProcess()
    await daemon.stop()
    expect((await daemon.run(['priority'])).exitCode).toBe(69)
    expect((await daemon.run(['priority', '-w', '--interval', '1'])).exitCode).toBe(2)
  })
})

describe('frames', () => {
  test.each([true, false])('clear the screen between them on a terminal only (%s)', async (tty) => {
    const { io, stdout } = fakeIo({ terminal: tty })
    const stop = new AbortController()
    const out = new Output(io, 'table')
    let shown = 0
    await frames({ cli: { interrupted: stop.signal }, out, intervalMs: 1 }, async () => {
      shown += 1
      out.line(`frame ${shown}`)
      if (shown === 3) stop.abort()
    })
    expect(stdout.text.match(/frame \d/g)).toEqual(['frame 1', 'frame 2', 'frame 3'])
    expect(stdout.text.includes('\x1b[2J')).toBe(tty)
  })
})
