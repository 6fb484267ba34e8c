/** What `goqueue produce --delay` and `goqueue delayed` do to a broker. */
import { describe, expect, test, vi } from 'vitest'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

const START = Date.now()

async function withTopic(): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 't', '-p', '1'])
  return daemon
}

const produce = (daemon: InProcessDaemon, ...args: readonly string[]) =>
  daemon.run(['produce', 't', ...args])

const delayed = (daemon: InProcessDaemon, ...args: readonly string[]) =>
  daemon.run(['delayed', ...args])

async function json<T = Record<string, unknown>>(
  result: Promise<{ exitCode: number; stdout: string; stderr: string }>,
): Promise<T> {
  const { exitCode, stdout, stderr } = await result
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return JSON.parse(stdout) as T
}

interface Entry {
  readonly partition: number
  readonly offset: number
  readonly deliver_at: string
  readonly state: string
  readonly priority: string
  readonly key?: string
}

const listed = async (daemon: InProcessDaemon, ...args: readonly string[]) =>
  (await json<{ messages: Entry[] }>(delayed(daemon, 'list', 't', ...args))).messages

const values = async (daemon: InProcessDaemon): Promise<string[]> =>
  (await daemon.run(['consume', 't', '-o', 'value'])).stdout.split('\n').filter((line) => line)

describe('goqueue produce --delay', () => {
  test('keeps a message until its time, with all that it has', async () => {
    const daemon = await withTopic()
    const sent = await json(
      produce(daemon, 'later', '-k', 'k', '--priority', 'high', '--delay', '30m'),
    )
    expect(sent).toMatchObject({ topic: 't', partition: 0, offset: 0, delayed: true })
    const dueMs = Date.parse(String(sent['deliver_at']))
    expect(dueMs - START).toBeGreaterThanOrEqual(30 * 60_000)
    expect(dueMs - Date.now()).toBeLessThanOrEqual(30 * 60_000)
    expect(await values(daemon)).toEqual([])
    const [entry] = await listed(daemon)
    expect(entry).toMatchObject({ partition: 0, offset: 0, priority: 'high', key: 'k' })
    expect(entry).toMatchObject({ state: 'pending', deliver_at: sent['deliver_at'] })
  })

  test('delivers it when the time has come, and at once what is past', async () => {
    const daemon = await withTopic()
    await json(produce(daemon, 'soon', '--delay', '50ms'))
    const now = await json(produce(daemon, 'now', '--deliver-at', '2001-01-01T00:00:00Z'))
    expect(now).not.toHaveProperty('delayed')
    await vi.waitFor(async () => expect(await values(daemon)).toHaveLength(2))
    expect((await values(daemon)).sort()).toEqual(['now', 'soon'])
    expect(await json(delayed(daemon, 'show', 't', '0', '0'))).toMatchObject({ state: 'delivered' })
  })

  test('keeps lines too, and says how many', async () => {
    const daemon = await withTopic()
    const stdin = ['one\ntwo\n', 'three\n']
    const args = ['produce', 't', '--deliver-at', '2100-01-01T00:00:00Z']
    expect(await json(daemon.run(args, { stdin }))).toMatchObject({ messages: 3, delayed: 3 })
    const table = await daemon.run([...args, '-o', 'table'], { stdin })
    expect(table.stdout).toContain('3 messages published to t, 3 of them to be delivered later')
    expect(await listed(daemon)).toHaveLength(6)
    const one = await produce(daemon, 'v', '--deliver-at', '2100-01-01T00:00:00Z', '-o', 'table')
    expect(one.stdout).toBe(
      't partition 0 offset 6, delayed until 2100-01-01T00:00:00.000Z (disk)\n',
    )
  })

  test.each([
    [['--delay', 'soon'], '--delay must be a duration such as 250ms, 30m or 1h30m, not "soon"'],
    [['--deliver-at', 'tomorrow'], '--deliver-at must be a time such as'],
    [['--delay', '1s', '--deliver-at', '2100-01-01T00:00:00Z'], 'mutually exclusive'],
    [['--delay', '99999999d'], 'beyond the last day there is'],
  ])('refuses %j', async (args, why) => {
    const daemon = await withTopic()
    const { exitCode, stderr } = await produce(daemon, 'v', ...args)
    expect(stderr).toContain(why)
    expect(exitCode).toBe(why.startsWith('beyond') ? 1 : 2)
  })
})

describe('goqueue delayed', () => {
  const AT = ['2100-01-03T00:00:00Z', '2100-01-01T00:00:00Z', '2100-01-02T00:00:00Z']

  async function withThree(): Promise<InProcessDaemon> {
    const daemon = await withTopic()
    for (const time of AT) await json(produce(daemon, time, '--deliver-at', time))
    return daemon
  }

  test('list shows what waits, the next one first, as far as it was asked', async () => {
    const daemon = await withThree()
    expect((await listed(daemon)).map(({ offset }) => offset)).toEqual([1, 2, 0])
    const between = ['--from', '2100-01-01T12:00:00Z', '--to', '2100-01-02T12:00:00Z']
    expect((await listed(daemon, ...between)).map(({ offset }) => offset)).toEqual([2])
    expect(await listed(daemon, '--to', '1h')).toEqual([])
    const few = await delayed(daemon, 'list', 't', '-n', '2', '-o', 'table')
    expect(few.stdout).toContain('0/1')
    expect(few.stdout).not.toContain('0/0')
    expect(few.stderr).toBe('more than these 2 messages wait: -n shows more\n')
    const none = await delayed(daemon, 'ls', 't', '--to', '1h', '-o', 'table')
    expect(none).toMatchObject({ exitCode: 0, stdout: '', stderr: 'nothing waits\n' })
  })

  test('cancel takes one out for good', async () => {
    const daemon = await withThree()
    const cancelled = { topic: 't', partition: 0, offset: 1, cancelled: true }
    expect(await json(delayed(daemon, 'cancel', 't', '0', '1'))).toEqual(cancelled)
    expect((await listed(daemon)).map(({ offset }) => offset)).toEqual([2, 0])
    const shown = await delayed(daemon, 'show', 't', '0', '1', '-o', 'table')
    expect(shown.stdout).toContain('t 0/1\n')
    expect(shown.stdout).toContain('state cancelled')
    const again = await delayed(daemon, 'cancel', 't', '0', '1', '-o', 'table')
    expect(again).toMatchObject({ exitCode: 0, stdout: 't 0/1 is cancelled\n' })
  })

  test('reschedule gives one another time, also now', async () => {
    const daemon = await withThree()
    const put = await json<Entry>(
      delayed(daemon, 'reschedule', 't', '0', '1', '--deliver-at', '2100-06-01T00:00:00Z'),
    )
    expect(put).toMatchObject({ offset: 1, deliver_at: '2100-06-01T00:00:00.000Z' })
    expect((await listed(daemon)).map(({ offset }) => offset)).toEqual([2, 0, 1])
    await json(delayed(daemon, 'reschedule', 't', '0', '2', '--delay', '0'))
    await vi.waitFor(async () => expect(await values(daemon)).toEqual([AT[2]]))
    const late = await delayed(daemon, 'cancel', 't', '0', '2')
    expect(late.exitCode).toBe(1)
    expect(late.stderr).toContain('ALREADY_DELIVERED')
    expect(late.stderr).toContain('hint: it is in its topic')
    const when = await delayed(daemon, 'reschedule', 't', '0', '1')
    expect(when).toMatchObject({ exitCode: 2, stdout: '' })
    expect(when.stderr).toContain('say when: --delay or --deliver-at')
  })

  test('stats counts what became of them', async () => {
    const daemon = await withThree()
    await delayed(daemon, 'cancel', 't', '0', '1')
    const stats = await json(delayed(daemon, 'stats'))
    expect(stats).toMatchObject({ pending_count: 2, cancelled_count: 1, delivered_count: 0 })
    const table = await delayed(daemon, 'stats', '-o', 'table')
    expect(table.stdout).toMatch(/^2 wait\n/)
    expect(table.stdout).toMatch(/\nt +2 +0 +1 +0\n/)
  })

  test.each([
    [['show', 't', '0', '9'], 1, 'DELAYED_NOT_FOUND'],
    [['cancel', 't', '0', '9'], 1, 'DELAYED_NOT_FOUND'],
    [['list', 'nowhere'], 1, 'TOPIC_NOT_FOUND'],
    [['cancel', 't', 'x', '9'], 2, '--partition must be a whole number'],
    [[], 2, 'say what to do with delayed messages'],
  ])('%j ends with %d and says why', async (args, exitCode, why) => {
    const daemon = await withTopic()
    const result = await delayed(daemon, ...args)
    expect(result).toMatchObject({ exitCode, stdout: '' })
    expect(result.stderr).toContain(why)
  })
})
