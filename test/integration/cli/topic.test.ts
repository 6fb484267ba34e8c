import { describe, expect, test } from 'vitest'
import { startInProcess } from '../../support/inProcessDaemon.ts'

describe('goqueue topic', () => {
  test('create makes one, and says so', async () => {
    const { run } = await startInProcess()
    const made = await run(['topic', 'create', 'orders', '-p', '4'])
    expect(made).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(made.stdout)).toMatchObject({ name: 'orders', partitions: 4, created: true })
    const other = await run(['topic', 'create', 'other'], { terminal: true })
    expect(other.stdout).toBe('created topic other with 3 partitions\n')
  })

  test('create takes a configuration, configure changes what is named', async () => {
    const { run } = await startInProcess()
    const config = ['--retention', '12h', '--segment-bytes', '1MiB', '--retention-bytes', '10MiB']
    await run(['topic', 'create', 'orders', ...config, '--max-record-bytes', '64KiB'])
    const described = JSON.parse((await run(['topic', 'describe', 'orders'])).stdout)
    expect(described.config).toMatchObject({
      retention_ms: 43_200_000,
      retention_bytes: 10_485_760,
      segment_bytes: 1_048_576,
      max_record_bytes: 65_536,
    })
    const changed = await run(['topic', 'configure', 'orders', '--retention', 'none'])
    expect(JSON.parse(changed.stdout).config).toMatchObject({
      retention_ms: null,
      segment_bytes: 1_048_576,
    })
  })

  test('create refuses a second one, unless that is said to be fine', async () => {
    const { run } = await startInProcess()
    await run(['topic', 'create', 'orders'])
    const again = await run(['topic', 'create', 'orders'])
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toMatch(/^error: .*\(TOPIC_EXISTS\)\nhint: --if-not-exists/)
    const fine = await run(['topic', 'create', 'orders', '--if-not-exists'])
    expect(fine.exitCode).toBe(0)
    expect(JSON.parse(fine.stdout)).toEqual({ name: 'orders', created: false })
  })

  test('create refuses what is no name', async () => {
    const { run } = await startInProcess()
    for (const name of ['a b', '../x', '__x']) {
      const { exitCode, stderr } = await run(['topic', 'create', name])
      expect(exitCode, name).toBe(1)
      expect(stderr, name).toContain('INVALID_TOPIC_NAME')
    }
  })

  test('list shows names to programs, figures to people', async () => {
    const { run } = await startInProcess()
    expect((await run(['topic', 'list'], { terminal: true })).stderr).toMatch(/^no topics yet/)
    await run(['topic', 'create', 'orders'])
    await run(['topic', 'create', 'audit', '-p', '1'])
    await run(['produce', 'audit', 'x'])
    expect(JSON.parse((await run(['topic', 'list'])).stdout)).toEqual({
      topics: ['audit', 'orders'],
    })
    const { stdout } = await run(['topic', 'ls'], { terminal: true })
    expect(stdout).toMatch(
      /^TOPIC +PARTITIONS +MESSAGES +SIZE\naudit +1 +1 +\d+ B\norders +3 +0 +0 B\n$/,
    )
  })

  test('describe shows the partitions and the configuration', async () => {
    const { run } = await startInProcess()
    await run(['topic', 'create', 'orders', '-p', '2'])
    await run(['produce', 'orders', 'x', '-p', '1'])
    const { stdout } = await run(['topic', 'describe', 'orders'], { terminal: true })
    expect(stdout).toMatch(/^orders {2}1 message, /)
    expect(stdout).toMatch(/segment_bytes 64\.0 MiB/)
    expect(stdout).toMatch(/PARTITION +EARLIEST +LATEST +SIZE +SEGMENTS\n +0 +0 +0 .*\n +1 +0 +1 /)
  })

  test('delete removes it; a missing one is an error unless that is said to be fine', async () => {
    const { run } = await startInProcess()
    await run(['topic', 'create', 'orders'])
    expect(JSON.parse((await run(['topic', 'delete', 'orders'])).stdout)).toEqual({
      deleted: true,
      name: 'orders',
    })
    const missing = await run(['topic', 'delete', 'orders'])
    expect(missing.exitCode).toBe(1)
    expect(missing.stderr).toMatch(/TOPIC_NOT_FOUND\)\nhint: `goqueue topic list`/)
    const fine = await run(['topic', 'delete', 'orders', '--if-exists'], { terminal: true })
    expect(fine).toMatchObject({ exitCode: 0, stdout: 'there was no topic orders\n' })
  })
})
