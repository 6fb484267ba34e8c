import { describe, expect, test } from 'vitest'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

/** A topic of three partitions with the values m0, m1, … one after the other, round and round. */
async function withMessages(count: number): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 't', '-p', '3'])
  for (let i = 0; i < count; i += 1) {
    await daemon.run(['produce', 't', `m${i}`, '-p', String(i % 3), '--acks', 'leader'])
  }
  return daemon
}

async function valuesOf({ run }: InProcessDaemon, ...args: readonly string[]) {
  const { stdout, exitCode } = await run(['consume', 't', '-o', 'value', ...args])
  expect(exitCode).toBe(0)
  return stdout.split('\n').filter((line) => line !== '')
}

describe('goqueue consume', () => {
  test('merges the partitions in the order of time', async () => {
    const daemon = await withMessages(9)
    const times = (await daemon.run(['consume', 't', '-o', '{timestamp}'])).stdout
      .trim()
      .split('\n')
    expect(times).toEqual(times.toSorted())
    expect((await valuesOf(daemon)).toSorted()).toEqual(
      Array.from({ length: 9 }, (_, i) => `m${i}`),
    )
  })

  test('reads one partition, from an offset, so many', async () => {
    const daemon = await withMessages(12)
    expect(await valuesOf(daemon, '-p', '1')).toEqual(['m1', 'm4', 'm7', 'm10'])
    expect(await valuesOf(daemon, '-p', '1', '--from', '2')).toEqual(['m7', 'm10'])
    expect(await valuesOf(daemon, '-p', '1', '--from', '1', '-n', '2')).toEqual(['m4', 'm7'])
    expect(await valuesOf(daemon, '-p', '1', '--from', 'end')).toEqual([])
  })

  test('reads from a time', async () => {
    const daemon = await withMessages(3)
    const [first] = (await daemon.run(['consume', 't', '-n', '1'])).stdout.split('\n')
    const { timestamp } = JSON.parse(first ?? '')
    expect(await valuesOf(daemon, '--from', timestamp)).toHaveLength(3)
    expect(await valuesOf(daemon, '--from', '1h')).toHaveLength(3)
    expect(await valuesOf(daemon, '--from', '2999-01-01T00:00:00Z')).toEqual([])
  })

  test('refuses an offset that is not there, and a partition', async () => {
    const daemon = await withMessages(3)
    const beyond = await daemon.run(['consume', 't', '-p', '0', '--from', '7'])
    expect(beyond.exitCode).toBe(1)
    expect(beyond.stderr).toMatch(/OFFSET_OUT_OF_RANGE\)\nhint: `goqueue topic describe/)
    const missing = await daemon.run(['consume', 't', '-p', '3'])
    expect(missing.exitCode).toBe(1)
    expect(missing.stderr).toMatch(/t has the partitions 0 to 2, not 3 \(PARTITION_NOT_FOUND\)/)
    expect((await daemon.run(['consume', 'nope'])).stderr).toMatch(/TOPIC_NOT_FOUND/)
  })

  test('gives JSON lines to programs and text to people', async () => {
    const daemon = await withMessages(1)
    expect(JSON.parse((await daemon.run(['consume', 't'])).stdout)).toMatchObject({
      partition: 0,
      offset: 0,
      value: 'm0',
      priority: 'normal',
    })
    const told = await daemon.run(['consume', 't'], { terminal: true })
    expect(told.stdout).toMatch(/^\d{4}-\d\d-\d\dT.*Z {2}0\/0 {2}m0\n$/)
  })

  test('follows until it has so many, from all partitions', async () => {
    const daemon = await withMessages(2)
    const following = valuesOf(daemon, '--follow', '-n', '5')
    for (const [value, partition] of [
      ['a', '0'],
      ['b', '1'],
      ['c', '2'],
      ['d', '0'],
    ] as const) {
      await daemon.run(['produce', 't', value, '-p', partition])
    }
    const values = await following
    expect(values.slice(0, 2)).toEqual(['m0', 'm1'])
    expect(values).toHaveLength(5)
  })

  test('reads more than one reply holds', async () => {
    const daemon = await startInProcess()
    await daemon.run(['topic', 'create', 't', '-p', '2'])
    const lines = Array.from({ length: 5000 }, (_, i) => `${i}`)
    const jsonLines = lines.map((i) => `{"i":"${i}"}\n`)
    const stdin = [jsonLines.join('')]
    await daemon.run(['produce', 't', '--key-field', 'i', '--value-field', 'i'], { stdin })
    const values = await valuesOf(daemon)
    expect(
      values
        .map(Number)
        .toSorted((a, b) => a - b)
        .map(String),
    ).toEqual(lines)
  })

  test('tells of a topic that is empty by saying nothing', async () => {
    const daemon = await withMessages(0)
    expect(await valuesOf(daemon)).toEqual([])
  })
})

describe('goqueue health and version', () => {
  test('tell what runs and whether it takes work', async () => {
    const daemon = await startInProcess()
    const health = await daemon.run(['health'])
    expect(health.exitCode).toBe(0)
    expect(JSON.parse(health.stdout)).toMatchObject({ status: 'pass' })
    const shown = await daemon.run(['health'], { terminal: true })
    expect(shown.stdout).toMatch(/^CHECK +STATUS +MESSAGE\nbroker +pass/)
    const version = await daemon.run(['version'])
    expect(JSON.parse(version.stdout).broker).toMatch(/^\d+\.\d+\.\d+/)
  })
})
