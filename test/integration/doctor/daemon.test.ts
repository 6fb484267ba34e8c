/** `goqueue doctor` on brokers: a real one that is well, and one made up for each thing that may be wrong. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { examineDaemon } from '../../../src/cli/doctor/daemon.ts'
import { Connection } from '../../../src/client/index.ts'
import type { Finding } from '../../../src/kernel/finding.ts'
import { PRIORITIES } from '../../../src/kernel/priority.ts'
import { VERSION } from '../../../src/kernel/version.ts'
import { runCli } from '../../support/cliIo.ts'
import { startInProcess } from '../../support/inProcessDaemon.ts'

const none = Object.fromEntries(PRIORITIES.map((name) => [name, 0]))

interface Said {
  readonly metrics?: Readonly<Record<string, number>>
  readonly ready?: object
  readonly version?: string
  readonly timestamp?: string
}

const WELL: Readonly<Record<string, number>> = {
  'goqueue_event_loop_lag_seconds{quantile="0.99"}': 0.001,
  goqueue_disk_free_bytes: 500e9,
  goqueue_disk_size_bytes: 1000e9,
  process_open_fds: 40,
  process_max_fds: 20_000,
}

/** A broker that says what it is told to; `next` is what it says from the second look on. */
async function brokerThatSays(first: Said, next: Said = first): Promise<Connection> {
  let looks = 0
  const textOf = ({ metrics = {} }: Said): string =>
    Object.entries({ ...WELL, ...metrics })
      .map(([name, value]) => `${name} ${value}\n`)
      .join('')
  const answers: Readonly<Record<string, () => unknown>> = {
    '/livez': () => ({ status: 'pass', timestamp: first.timestamp ?? new Date().toISOString() }),
    '/version': () => ({ version: first.version ?? VERSION, node_version: process.version }),
    '/readyz': () => ({ status: 'pass', checks: {}, ...first.ready }),
    '/priority/stats': () => ({
      ...{ messages_by_priority: none, in_flight_by_priority: none, topics: {}, groups: {} },
    }),
    '/metrics': () => {
      looks += 1
      return textOf(looks === 1 ? first : next)
    },
  }
  const server = createServer(({ url = '' }, reply) => {
    const said = answers[url.split('?')[0] ?? '']?.()
    reply.end(typeof said === 'string' ? said : JSON.stringify(said))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const connection = new Connection({ url: `http://127.0.0.1:${port}` })
  onTestFinished(async () => {
    await connection.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return connection
}

async function examined(connection: Connection): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const pause = (): Promise<void> => Promise.resolve()
  for await (const finding of examineDaemon({ connection, pause })) findings.push(finding)
  return findings
}

const notOk = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ status }) => status !== 'ok').map(({ check, status }) => `${check}: ${status}`)

const LATE = new Date(Date.now() - 90_000).toISOString()
const group = (members: number, lag: number) => ({
  'goqueue_group_active_members{group="g"}': members,
  'goqueue_group_lag_messages{group="g",topic="t"}': lag,
})

describe('a broker', () => {
  test('that is well is found to be so', async () => {
    expect(notOk(await examined(await brokerThatSays({})))).toEqual([])
  })

  test.each<[what: string, said: Said, found: string]>([
    ['of another version', { version: '0.0.1' }, 'version: warning'],
    ['with another time', { timestamp: LATE }, 'clock: warning'],
    ['that recovers', { ready: { status: 'fail', message: 'starting' } }, 'ready: problem'],
    [
      'with a fenced partition',
      { ready: { checks: { partitions: { status: 'warn', message: 't-0: log fenced' } } } },
      'parts: problem',
    ],
    [
      'whose event loop lags',
      { metrics: { 'goqueue_event_loop_lag_seconds{quantile="0.99"}': 0.3 } },
      'event loop: warning',
    ],
    [
      'whose event loop stands still',
      { metrics: { 'goqueue_event_loop_lag_seconds{quantile="0.99"}': 3 } },
      'event loop: problem',
    ],
    ['with little room', { metrics: { goqueue_disk_free_bytes: 50e9 } }, 'broker disk: warning'],
    ['without room', { metrics: { goqueue_disk_free_bytes: 1e6 } }, 'broker disk: problem'],
    ['that runs out of files', { metrics: { process_open_fds: 19_000 } }, 'open files: problem'],
    ['that may open few files', { metrics: { process_max_fds: 1_024 } }, 'open files: warning'],
    ['whose syncs failed', { metrics: { goqueue_log_sync_failures_total: 1 } }, 'syncs: problem'],
    [
      'whose disk refused writes',
      { metrics: { 'goqueue_log_write_failures_total{area="state"}': 2 } },
      'writes: warning',
    ],
    [
      'without snapshots',
      { metrics: { 'goqueue_snapshot_failures_total{machine="groups"}': 1 } },
      'snapshots: warning',
    ],
    [
      'whose retention was faster than its groups',
      { metrics: { goqueue_retention_skipped_total: 9 } },
      'retention: warning',
    ],
    ['with dead letters', { metrics: { goqueue_dlq_messages: 3 } }, 'dead letters: warning'],
    [
      'whose leases expire',
      { metrics: { goqueue_leases_expired_total: 10, goqueue_deliveries_total: 100 } },
      'leases: warning',
    ],
    ['with a group that nobody is in', { metrics: group(0, 7) }, 'groups: warning'],
  ])('%s', async (_, said, found) => {
    const findings = await examined(await brokerThatSays(said))
    expect(notOk(findings)).toEqual([found])
    expect(findings.find(({ status }) => status !== 'ok')?.advice).toMatch(/\w/)
  })

  test('may have a group that is empty and wants nothing, and one that is busy', async () => {
    for (const metrics of [group(0, 0), group(2, 7)]) {
      expect(notOk(await examined(await brokerThatSays({ metrics })))).toEqual([])
    }
  })

  test('is said to get more dead letters and expired leases while one looks', async () => {
    const at = (count: number): Said => ({
      metrics: {
        ...{ goqueue_dlq_messages: 1, goqueue_dead_letters_total: count },
        ...{ goqueue_leases_expired_total: count, goqueue_deliveries_total: 1e6 },
      },
    })
    const findings = await examined(await brokerThatSays(at(1), at(2)))
    const messages = findings.filter(({ status }) => status !== 'ok').map(({ message }) => message)
    expect(messages).toEqual([
      expect.stringMatching(/more right now$/),
      expect.stringMatching(/some right now$/),
    ])
  })

  test('that is no goqueue broker is not taken for one', async () => {
    const server = createServer((_, reply) => reply.end('<html>'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const connection = new Connection({ url: `http://127.0.0.1:${port}` })
    onTestFinished(() => connection.close())
    expect(notOk(await examined(connection))).toEqual(['reachable: problem'])
  })
})

describe('goqueue doctor', () => {
  test('examines the directory and the broker of this configuration', async () => {
    const daemon = await startInProcess()
    await daemon.run(['topic', 'create', 't'])
    const env = { GOQUEUE_DATA_DIR: daemon.dataDir }
    const { exitCode, stdout } = await daemon.run(['doctor', '-o', 'json'], { env })
    const report = JSON.parse(stdout) as { ok: boolean; problems: number; findings: Told[] }
    // Whatever else keeps the machine busy may make timers late.
    const problems = report.findings.filter(
      ({ status, check }) => status === 'problem' && check !== 'event loop',
    )
    expect(problems).toEqual([])
    expect(exitCode).toBe(report.ok ? 0 : 1)
    expect(new Set(report.findings.map(({ of }) => of))).toEqual(
      new Set([`data directory ${daemon.dataDir}`, `broker ${daemon.url}`]),
    )
  })

  test('ends with 1 where there is a problem, and says what to do', async () => {
    const daemon = await startInProcess()
    await daemon.stop()
    const { exitCode, stdout } = await daemon.run(['doctor', '--url', daemon.url, '-o', 'table'])
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/problem {2,}reachable {2,}cannot reach/)
    expect(stdout).toMatch(/→ start a broker with `goqueue serve`/)
    expect(stdout).toMatch(/1 problem, 0 warnings\n$/)
  })

  test('examines a directory alone where one is named', async () => {
    const daemon = await startInProcess()
    await daemon.stop()
    const { exitCode, stdout } = await runCli(['doctor', '-d', daemon.dataDir, '--deep'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, problems: 0, warnings: 0 })
    expect((await runCli(['doctor', '-d', `${daemon.dataDir}/none`])).exitCode).toBe(1)
  })
})

interface Told extends Finding {
  readonly of: string
}
