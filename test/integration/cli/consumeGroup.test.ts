import { describe, expect, test } from 'vitest'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

/** Topic `t` with three partitions and the values 0 … count-1, round and round. */
async function withMessages(count: number): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 't', '-p', '3'])
  await publish(daemon, 0, count)
  return daemon
}

async function publish({ url }: InProcessDaemon, from: number, to: number): Promise<void> {
  const messages = Array.from({ length: to - from }, (_, i) => ({
    value: `${from + i}`,
    partition: (from + i) % 3,
  }))
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ messages })
  await fetch(`${url}/topics/t/messages`, { method: 'POST', headers, body })
}

const numbers = (text: string): number[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
    .toSorted((a, b) => a - b)

const upTo = (to: number, from = 0): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

const consume = (daemon: InProcessDaemon, ...args: readonly string[]) =>
  daemon.run(['consume', 't', '--group', 'g', '-o', 'value', ...args])

async function committed(daemon: InProcessDaemon): Promise<number> {
  const { stdout } = await daemon.run(['group', 'offsets', 'g'])
  const offsets: Record<string, number> = JSON.parse(stdout).offsets.t ?? {}
  return Object.values(offsets).reduce((sum, each) => sum + each, 0)
}

describe('goqueue consume --group', () => {
  test('reads what is there and goes on there the next time', async () => {
    const daemon = await withMessages(60)
    const first = await consume(daemon)
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(numbers(first.stdout)).toEqual(upTo(60))
    expect(await consume(daemon)).toMatchObject({ exitCode: 0, stdout: '' })
    await publish(daemon, 60, 70)
    expect(numbers((await consume(daemon)).stdout)).toEqual(upTo(70, 60))
    const { stdout } = await daemon.run(['group', 'describe', 'g'])
    expect(JSON.parse(stdout)).toMatchObject({ state: 'empty', members: [] })
  })

  test('-n takes so many and commits those', async () => {
    const daemon = await withMessages(30)
    expect(numbers((await consume(daemon, '-n', '7')).stdout)).toHaveLength(7)
    expect(await committed(daemon)).toBe(7)
    const rest = numbers((await consume(daemon)).stdout)
    expect(rest).toHaveLength(23)
  })

  test('shares the partitions among those who follow', async () => {
    const daemon = await withMessages(0)
    const members = [0, 1, 2].map(() => consume(daemon, '--follow', '-n', '5'))
    for (;;) {
      const { stdout, exitCode } = await daemon.run(['group', 'describe', 'g'])
      if (exitCode === 0 && JSON.parse(stdout).state === 'stable') {
        if (JSON.parse(stdout).members.length === 3) break
      }
    }
    await publish(daemon, 0, 15)
    const read = await Promise.all(members)
    expect(read.flatMap(({ stdout }) => numbers(stdout)).toSorted((a, b) => a - b)).toEqual(
      upTo(15),
    )
    expect(await committed(daemon)).toBe(15)
  })

  test('begins at the end where that is wanted and nothing is committed', async () => {
    const daemon = await withMessages(9)
    expect(await consume(daemon, '--from', 'end')).toMatchObject({ exitCode: 0, stdout: '' })
  })

  test('reads several topics and says which a message is from', async () => {
    const daemon = await withMessages(3)
    await daemon.run(['topic', 'create', 'u', '-p', '1'])
    await daemon.run(['produce', 'u', 'x', '-H', 'a=b', '-k', 'k', '--priority', 'high'])
    const { stdout } = await daemon.run(['consume', 't', 'u', '--group', 'g'])
    const messages = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(messages.map(({ topic }) => topic).toSorted()).toEqual(['t', 't', 't', 'u'])
    expect(messages.find(({ topic }) => topic === 'u')).toMatchObject({
      ...{ partition: 0, offset: 0, key: 'k', value: 'x', priority: 'high' },
      headers: { a: 'b' },
    })
    const text = await daemon.run(['consume', 't', '--group', 'h'], { terminal: true })
    expect(text.stdout).toMatch(/Z {2}t\/0\/0 {2}0\n/)
  })

  test('refuses a group that is in another mode, and a topic that is not there', async () => {
    const daemon = await withMessages(0)
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ client_id: 'c', topics: ['t'], mode: 'ack' })
    await fetch(`${daemon.url}/groups/g/join`, { method: 'POST', headers, body })
    const conflict = await consume(daemon)
    expect(conflict.exitCode).toBe(1)
    expect(conflict.stderr).toMatch(/GROUP_MODE_CONFLICT\)\nhint: .*take another group/)
    const missing = await daemon.run(['consume', 'nope', '--group', 'h'])
    expect(missing.stderr).toMatch(/TOPIC_NOT_FOUND/)
  })

  test.each([
    [['t', '--group', 'g', '-p', '1'], '--partition is not for groups'],
    [['t', '--group', 'g', '--from', '12'], '--from with a group is beginning or end'],
    [['t', 'u'], 'several topics are for groups'],
    [['t', '--commit-interval', '1s'], '--commit-interval and --session-timeout are for groups'],
    [['t', '--group', 'g', '--session-timeout', '1h'], '--session-timeout must be a duration, 1s'],
  ])('%j is no command line', async (args, message) => {
    const { run } = await startInProcess()
    const { exitCode, stderr } = await run(['consume', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })
})
