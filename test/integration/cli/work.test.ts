/** What the commands of the work queue do to a group in mode ack. */
import { describe, expect, test, vi } from 'vitest'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

async function withMessages(...values: readonly string[]): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 't', '-p', '1'])
  await ask(daemon, 'PATCH', '/topics/t/delivery', { backoff: 10, max_retries: 1 })
  await ask(daemon, 'POST', '/topics/t/messages', {
    messages: values.map((value, i) => ({ value, key: `k${i}` })),
  })
  return daemon
}

async function ask({ url }: InProcessDaemon, method: string, path: string, body?: unknown) {
  const headers = { 'content-type': 'application/json' }
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers }
  const reply = await fetch(url + path, { method, ...init })
  return (await reply.json()) as Record<string, unknown>
}

const floorOf = async (daemon: InProcessDaemon): Promise<unknown> =>
  (await ask(daemon, 'GET', '/groups/g/offsets'))['offsets']

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '')

const consume = (daemon: InProcessDaemon, ...args: readonly string[]) =>
  daemon.run(['consume', 't', '--group', 'g', '--mode', 'ack', ...args])

describe('goqueue consume --mode ack', () => {
  test('acknowledges what it has written, and no more than that', async () => {
    const daemon = await withMessages('a', 'b', 'c', 'd')
    const first = await consume(daemon, '-n', '3', '-o', 'value')
    expect(first).toMatchObject({ exitCode: 0, stderr: '', stdout: 'a\nb\nc\n' })
    expect(await floorOf(daemon)).toEqual({ t: { '0': 3 } })
    const rest = await consume(daemon, '-o', '{value} {delivery_count}')
    expect(rest).toMatchObject({ exitCode: 0, stdout: 'd 1\n' })
    expect(await floorOf(daemon)).toEqual({ t: { '0': 4 } })
  })

  test('--hold shows receipts, which ack, nack and reject settle', async () => {
    const daemon = await withMessages('a', 'b', 'c', 'd')
    const held = await consume(daemon, '--hold', '1m', '-n', '3', '-o', '{receipt}')
    const [first = '', second = '', third = ''] = linesOf(held.stdout)
    expect(first).toMatch(/^g:t:0:0:1:[0-9a-f]{8}$/)
    const acked = await daemon.run(['ack', '--stdin'], { stdin: [`${first}\n`] })
    expect(acked).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(acked.stdout)).toEqual({
      results: [{ receipt_handle: first, acknowledged: true }],
    })
    const nacked = await daemon.run(['nack', second, '--delay', '1h', '-o', 'table'])
    expect(nacked).toMatchObject({ exitCode: 0, stdout: '1 message requeued\n' })
    const rejected = await daemon.run(['reject', third, '--reason', 'no', '-o', 'table'])
    expect(rejected).toMatchObject({ exitCode: 0, stdout: '1 message rejected\n' })
    const wrong = await daemon.run(['ack', second, 'nonsense', 'g:t:0:9:1:00000000'])
    expect(wrong.exitCode).toBe(1)
    expect(wrong.stderr).toContain('nonsense: is no receipt (INVALID_REQUEST)')
    expect(wrong.stderr).toContain('no such lease (RECEIPT_NOT_FOUND)')
  })

  test.each([
    [['consume', 't', '--mode', 'ack'], '--mode is for groups'],
    [['consume', 't', '-g', 'g', '--hold', '1m'], '--hold is for --mode ack'],
    [['consume', 't', '-g', 'g', '--mode', 'ack', '--commit-interval', '1s'], '--commit-interval'],
    [['work', '-g', 'g', '-t', 't'], 'say what to run'],
    [['ack'], 'name a receipt'],
  ])('%j is refused', async (args, why) => {
    const daemon = await withMessages()
    const { exitCode, stderr } = await daemon.run(args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(why)
  })
})

describe('goqueue work', () => {
  const work = (daemon: InProcessDaemon, script: string, ...args: readonly string[]) =>
    daemon.run(['work', '-g', 'g', '-t', 't', '--until-empty', ...args, '--', 'sh', '-c', script], {
      env: { PATH: process.env['PATH'] ?? '' },
    })

  test('gives each message to a command and acknowledges those that end well', async () => {
    const daemon = await withMessages('a', 'b')
    const script = 'read v; echo "$v $GOQUEUE_TOPIC $GOQUEUE_OFFSET $GOQUEUE_KEY"'
    const { exitCode, stdout, stderr } = await work(daemon, script)
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: '2 messages done, 0 to be tried again, 0 dead letters\n',
    })
    expect(stdout).toBe('a t 0 k0\nb t 1 k1\n')
    expect(await floorOf(daemon)).toEqual({ t: { '0': 2 } })
  })

  test('an exit code or a signal says that it failed, or is hopeless', async () => {
    const daemon = await withMessages('exit 0', 'exit 65', 'echo why >&2; exit 3', 'kill -9 $$')
    await ask(daemon, 'PATCH', '/topics/t/delivery', { backoff: '1h' })
    const { stdout } = await work(daemon, 'exec sh', '-o', 'json', '-c', '4')
    const said = linesOf(stdout).map((line) => JSON.parse(line) as Record<string, unknown>)
    const byOffset = said.toSorted((a, b) => Number(a['offset']) - Number(b['offset']))
    expect(byOffset).toMatchObject([
      { offset: 0, delivery_count: 1, outcome: 'ack', exit_code: 0, signal: null },
      { offset: 1, outcome: 'reject', exit_code: 65 },
      { offset: 2, outcome: 'nack', exit_code: 3 },
      { offset: 3, outcome: 'nack', exit_code: null, signal: 'SIGKILL' },
    ])
  })

  test('a command that is not there ends it, and costs no message a try', async () => {
    const daemon = await withMessages('a')
    const args = ['work', '-g', 'g', '-t', 't', '--', '/no/such/command']
    const { exitCode, stderr } = await daemon.run(args)
    expect([exitCode, stderr]).toEqual([66, 'error: cannot run /no/such/command: ENOENT\n'])
    expect(await ask(daemon, 'GET', '/reliability/stats')).toMatchObject({ nacks_total: 0 })
    const { stdout } = await work(daemon, 'echo again')
    expect(stdout).toBe('again\n')
  })

  test('a command that takes too long is ended, and has failed', async () => {
    const daemon = await withMessages('a')
    await ask(daemon, 'PATCH', '/topics/t/delivery', { max_retries: 0 })
    await work(daemon, 'sleep 60', '--timeout', '100ms')
    await vi.waitFor(async () => {
      const { stdout } = await daemon.run(['dlq', 'list', 't'])
      expect(JSON.parse(stdout)['messages']).toMatchObject([{ key: 'k0', value: 'a', group: 'g' }])
    })
  })
})

describe('goqueue dlq', () => {
  test('lists, shows and brings back what was given up', async () => {
    const daemon = await withMessages('a', 'b')
    await daemon.run(
      [
        'work',
        '-g',
        'g',
        '-t',
        't',
        '--until-empty',
        '--',
        'sh',
        '-c',
        'echo "oh no" >&2; exit 65',
      ],
      { env: { PATH: process.env['PATH'] ?? '' } },
    )
    await vi.waitFor(async () => {
      const list = await daemon.run(['dlq', 'list', 't', '-o', 'table'])
      expect(list.stdout).toMatch(/LETTER +KEY +GROUP/)
      expect(list.stdout).toMatch(/0\/0 +k0 +g +rejected +1 .*exit code 65: oh no/)
      expect(list.stdout).toMatch(/0\/1 +k1/)
    })
    const show = await daemon.run(['dlq', 'show', 't', '0', '1', '-o', 'table'])
    expect(show.stdout).toMatch(/original t 0\/1 of .*\n[\s\S]*\nb\n$/)
    expect(await daemon.run(['dlq', 'show', 't', '0', '9'])).toMatchObject({ exitCode: 1 })
    const dry = await daemon.run(['dlq', 'redrive', 't', '--key', 'k1', '--dry-run', '-o', 'table'])
    expect(dry.stdout).toContain('1 letter would come back; none did')
    const redrive = await daemon.run(['dlq', 'redrive', 't', '--key', 'k1'])
    expect(redrive.exitCode).toBe(0)
    expect(JSON.parse(redrive.stdout)).toMatchObject({ state: 'completed', redriven: 1 })
    expect(JSON.parse((await daemon.run(['dlq', 'tasks', 't'])).stdout)['tasks']).toHaveLength(2)
    expect((await consume(daemon, '-o', 'value')).stdout).toBe('b\n')
    expect((await daemon.run(['dlq', 'list', 't', '-n', '1', '-o', 'table'])).stdout).toContain(
      'k0',
    )
  })
})
