import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli } from '../../support/cliIo.ts'
import { startInProcess } from '../../support/inProcessDaemon.ts'

/** The data directory of a stopped daemon with three records in one partition. */
async function stoppedWithRecords() {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 't', '-p', '1'])
  await daemon.run(['produce', 't', '-k', 'k'], { stdin: ['one\ntwo\nthree\n'] })
  await daemon.stop()
  const partition = join(daemon.dataDir, 'topics', 't~1', '0')
  return { ...daemon, partition, segment: join(partition, '00000000000000000000.log') }
}

const parse = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('goqueue dump', () => {
  test('prints each record of a partition, and a summary', async () => {
    const { partition } = await stoppedWithRecords()
    const { exitCode, stdout, stderr } = await runCli(['dump', partition])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const lines = parse(stdout)
    const records = lines.filter(({ kind }) => kind === 'record')
    expect(records).toMatchObject([
      { offset: 0, key: 'k', value: 'one' },
      { offset: 1, key: 'k', value: 'two' },
      { offset: 2, key: 'k', value: 'three' },
    ])
    expect(lines.at(-1)).toMatchObject({ kind: 'summary', segments: 1, records: 3, problems: 0 })
  })

  test('with --problems prints the summary alone where all is well', async () => {
    const { dataDir } = await stoppedWithRecords()
    const { exitCode, stdout } = await runCli(['dump', dataDir, '--problems'])
    expect(exitCode).toBe(0)
    expect(parse(stdout)).toMatchObject([{ kind: 'summary', problems: 0 }])
  })

  test('names a damaged record and ends with 65', async () => {
    const { partition, segment } = await stoppedWithRecords()
    const bytes = await readFile(segment)
    bytes[34] = (bytes[34] as number) ^ 1
    await writeFile(segment, bytes)
    const { exitCode, stdout, stderr } = await runCli(['dump', partition, '--problems'])
    expect(exitCode).toBe(65)
    expect(parse(stdout)).toContainEqual(
      expect.objectContaining({ kind: 'problem', file: segment, position: 0 }),
    )
    expect(stderr).toMatch(/^\d+ problems? found/)
  })

  test('--repair makes a broken index again', async () => {
    const { partition, segment } = await stoppedWithRecords()
    await writeFile(segment.replace(/log$/, 'index'), 'rubbish')
    const broken = await runCli(['dump', partition, '--problems'])
    expect(broken.exitCode).toBe(65)
    expect(broken.stderr).toMatch(/--repair rebuilds indexes/)
    const repaired = await runCli(['dump', partition, '--repair'])
    expect(repaired.exitCode).toBe(0)
    expect(parse(repaired.stdout)).toMatchObject([{ kind: 'repaired', changed: true }])
    expect((await runCli(['dump', partition])).exitCode).toBe(0)
  })

  test('--repair keeps away from the directory of a running broker', async () => {
    const { dataDir } = await startInProcess()
    const { exitCode, stderr } = await runCli(['dump', dataDir, '--repair'])
    expect(exitCode).toBe(73)
    expect(stderr).toMatch(/DATA_DIR_LOCKED/)
  })

  test('of what is no segment and no directory is refused', async () => {
    const { exitCode, stderr } = await runCli(['dump', '/nowhere/at/all'])
    expect(exitCode).toBe(66)
    expect(stderr).toMatch(/^error: .*\/nowhere\/at\/all/)
  })
})
