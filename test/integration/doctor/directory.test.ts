/** `goqueue doctor` on data directories: one that is well, and one broken in each way that it knows. */
import {
  appendFile,
  cp,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startDaemon } from '../../../src/app/daemon.ts'
import { examineDirectory, type Machine } from '../../../src/app/doctor/directory.ts'
import { accessTo, diskSpace, lockHolder, nodeFileSystem } from '../../../src/io/index.ts'
import type { Finding } from '../../../src/kernel/finding.ts'
import { GiB, KiB, MiB } from '../../../src/kernel/units.ts'
import { DEFAULT_SETTINGS, startInProcess } from '../../support/inProcessDaemon.ts'

let well = ''

/** Several segments in one partition, a group that holds something, a delayed message; stopped in order. */
beforeAll(async () => {
  well = await mkdtemp(join(tmpdir(), 'goqueue-doctor-'))
  const settings = {
    ...DEFAULT_SETTINGS,
    port: 0,
    logLevel: 'silent',
    segmentBytes: 16 * KiB,
  } as const
  const daemon = await startDaemon({
    ...{ settings: { ...settings, dataDir: well }, terminal: false, colour: false },
  })
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    return (await (await fetch(daemon.url + path, init)).json()) as Record<string, string>
  }
  await post('/topics', { name: 't', num_partitions: 1 })
  for (let i = 0; i < 23; i += 1) {
    const messages = Array.from({ length: 20 }, (_, j) => ({
      value: `${i} ${j} ${'x'.repeat(80)}`,
    }))
    await post('/topics/t/messages', { messages })
  }
  await post('/topics/t/messages', { messages: [{ value: 'later', delay: '1h' }] })
  const { member_id } = await post('/groups/g/join', { client_id: 'c', topics: ['t'] })
  await fetch(`${daemon.url}/groups/g/poll?member_id=${member_id}&max_messages=2`)
  await daemon.stop()
})
afterAll(() => rm(well, { recursive: true, force: true }))

/** A copy of it, to be broken. */
async function patient() {
  const path = await mkdtemp(join(tmpdir(), 'goqueue-doctor-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  await cp(well, path, { recursive: true })
  const partition = join(path, 'topics', 't~1', '0')
  const logs = (await readdir(partition)).filter((name) => name.endsWith('.log')).sort()
  expect(logs.length).toBeGreaterThan(2)
  const file = (index: number, kind = 'log'): string =>
    join(partition, (logs.at(index) ?? '').replace(/log$/, kind))
  return { path, partition, file, crash: () => rm(join(path, 'CLEAN')) }
}

async function examined(path: string, change: Partial<Machine> & { deep?: boolean } = {}) {
  const { deep = false, ...other } = change
  const machine = { fileSystem: nodeFileSystem, accessTo, diskSpace, lockHolder, ...other }
  const findings: Finding[] = []
  for await (const finding of examineDirectory({ path, deep, machine })) findings.push(finding)
  return findings
}

const notOk = (findings: readonly Finding[]) =>
  findings.filter(({ status }) => status !== 'ok').map(({ check, status }) => `${check}: ${status}`)

const only = (findings: readonly Finding[], check: string): Finding => {
  const found = findings.filter((finding) => finding.check === check)
  expect(found).toHaveLength(1)
  return found[0] as Finding
}

async function flip(file: string, at: number): Promise<void> {
  const bytes = await readFile(file)
  bytes[at] = (bytes[at] as number) ^ 4
  await writeFile(file, bytes)
}

const NOTHING_IS_WRONG: readonly string[] = []

describe('a directory that is well', () => {
  test.each([false, true])('is found to be so (deep: %s)', async (deep) => {
    const findings = await examined((await patient()).path, { deep })
    expect(notOk(findings)).toEqual(NOTHING_IS_WRONG)
    expect(findings.map(({ check }) => check)).toEqual([
      ...['directory', 'disk space', 'format', 'lock', 'last stop'],
      ...['segments', 'indexes', 'torn files', 'journals'],
    ])
  })

  test('is not changed by being looked at', async () => {
    const { path } = await patient()
    const names = async () => (await readdir(path, { recursive: true })).sort()
    const before = await names()
    await examined(path, { deep: true })
    expect(await names()).toEqual(before)
  })

  test('may be in use meanwhile', async () => {
    const daemon = await startInProcess()
    await daemon.run(['topic', 'create', 't'])
    await daemon.run(['produce', 't'], { stdin: ['a\n', 'b\n'] })
    const findings = await examined(daemon.dataDir, { deep: true })
    expect(notOk(findings)).toEqual(NOTHING_IS_WRONG)
    expect(only(findings, 'lock').message).toContain(`process ${process.pid}`)
  })

  test('may be empty, but for hidden files', async () => {
    const path = await mkdtemp(join(tmpdir(), 'goqueue-doctor-'))
    onTestFinished(() => rm(path, { recursive: true, force: true }))
    await writeFile(join(path, '.gitignore'), '*')
    const findings = await examined(path)
    expect(notOk(findings)).toEqual(NOTHING_IS_WRONG)
    expect(only(findings, 'format').message).toContain('empty')
  })
})

describe('a directory', () => {
  test('that is not there, or is a file', async () => {
    const { path, file } = await patient()
    expect(notOk(await examined(join(path, 'none')))).toEqual(['directory: problem'])
    expect(notOk(await examined(file(0)))).toEqual(['directory: problem'])
  })

  test('of somebody else', async () => {
    const { path } = await patient()
    const topics = join(path, 'topics')
    const findings = await examined(path, {
      accessTo: async (each) => ({ ...(await accessTo(each)), write: each !== topics }),
    })
    expect(notOk(findings)).toEqual(['directory: problem'])
    expect(findings[0]?.message).toBe(`${topics} cannot be written by this user`)
    expect(findings[0]?.advice).toContain('chown')
  })

  test('with files that cannot be read', async () => {
    const { path, file } = await patient()
    const denied = Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'open' })
    const fileSystem = Object.create(nodeFileSystem, {
      open: {
        value: (name: string, options: { mode: 'read' }) =>
          name === file(0) ? Promise.reject(denied) : nodeFileSystem.open(name, options),
      },
    }) as typeof nodeFileSystem
    const findings = await examined(path, { fileSystem })
    expect(notOk(findings)).toEqual(['files: problem'])
    expect(only(findings, 'files').message).toContain('permission denied')
  })

  test.each([
    ['warning', 900 * MiB, 500 * GiB],
    ['warning', 20 * GiB, 500 * GiB],
    ['problem', 10 * MiB, 500 * GiB],
  ])('on a disk that is almost full: %s', async (status, freeBytes, sizeBytes) => {
    const { path } = await patient()
    const space = { freeBytes, sizeBytes }
    expect(notOk(await examined(path, { diskSpace: async () => space }))).toEqual([
      `disk space: ${status}`,
    ])
  })

  test('of a newer version, of none, and of none that can be read', async () => {
    const { path } = await patient()
    const format = join(path, 'FORMAT')
    await writeFile(format, '{"format":99}')
    expect(notOk(await examined(path))).toEqual(['format: problem'])
    await writeFile(format, 'rubbish')
    expect(notOk(await examined(path))).toEqual(['format: problem'])
    await rm(format)
    expect(notOk(await examined(path))).toEqual(['format: warning'])
  })

  test('that was not stopped in order', async () => {
    const { path, crash } = await patient()
    await crash()
    expect(notOk(await examined(path))).toEqual(['last stop: warning'])
  })
})

describe('a log', () => {
  test('with a damaged first record', async () => {
    const { path, file } = await patient()
    await flip(file(0), 40)
    const findings = await examined(path)
    expect(notOk(findings)).toEqual(['segments: problem'])
    expect(only(findings, 'segments').details?.[0]).toMatch(/0{20}\.log at 0: checksum/)
  })

  test('with a sealed segment that was cut', async () => {
    const { path, file } = await patient()
    const { length } = await readFile(file(0))
    await truncate(file(0), length - 200)
    expect(notOk(await examined(path))).toEqual(['segments: problem'])
    await truncate(file(0), 0)
    expect(only(await examined(path), 'segments').details?.[0]).toMatch(/is empty/)
  })

  test('with a segment missing', async () => {
    const { path, file } = await patient()
    for (const kind of ['log', 'index', 'timeindex']) await rm(file(1, kind))
    expect(only(await examined(path), 'segments').details?.[0]).toMatch(/the next segment begins/)
  })

  test('with damage in its midst, which only --deep sees', async () => {
    const { path, file } = await patient()
    await flip(file(0), 6_000)
    expect(notOk(await examined(path))).toEqual(NOTHING_IS_WRONG)
    expect(notOk(await examined(path, { deep: true }))).toContain('segments: problem')
  })

  test('that ends in the middle of a write: torn after a crash, damaged after a stop in order', async () => {
    const { path, file, crash } = await patient()
    await appendFile(file(-1), (await readFile(file(-1))).subarray(0, 50))
    expect(notOk(await examined(path))).toContain('segments: problem')
    await crash()
    for (const deep of [false, true]) {
      expect(notOk(await examined(path, { deep }))).toEqual([
        ...['last stop: warning', 'torn ends: warning'],
      ])
    }
  })

  test('that is damaged where nothing may be torn, also after a crash', async () => {
    const sealed = await patient()
    await sealed.crash()
    await flip(sealed.file(0), (await readFile(sealed.file(0))).length - 3)
    expect(notOk(await examined(sealed.path))).toContain('segments: problem')
    const active = await patient()
    await active.crash()
    const index = await readFile(active.file(-1, 'index'))
    expect(index.length).toBeGreaterThan(0)
    // What an index entry points to was synced.
    const synced = index.readUInt32BE(index.length - 8) & 0x3fff_ffff
    await flip(active.file(-1), synced + 40)
    expect(notOk(await examined(active.path))).toContain('segments: problem')
  })

  test('that ends before what its index says was synced', async () => {
    const { path, file, crash } = await patient()
    await crash()
    await truncate(file(0), 100)
    expect(notOk(await examined(path))).toContain('segments: problem')
  })

  test('with an index that is rubbish', async () => {
    const { path, file } = await patient()
    await writeFile(file(0, 'index'), 'rubbish')
    for (const deep of [false, true]) {
      const findings = await examined(path, { deep })
      expect(notOk(findings)).toEqual(['indexes: warning'])
      expect(only(findings, 'indexes').advice).toContain('--repair')
    }
  })

  test('of which an earlier start cut something off', async () => {
    const { path, file } = await patient()
    await writeFile(`${file(-1)}.77.torn`, 'abc')
    const findings = await examined(path)
    expect(notOk(findings)).toEqual(['torn files: warning'])
    expect(only(findings, 'torn files').message).toContain('3 bytes')
  })
})

describe('a state machine', () => {
  test('with a damaged snapshot', async () => {
    const { path } = await patient()
    await flip(join(path, 'state', 'topics', 'snapshot'), 20)
    const findings = await examined(path)
    expect(notOk(findings)).toEqual(['journals: problem'])
    expect(only(findings, 'journals').details?.[0]).toMatch(/^topics: .*checksum/)
  })

  test('whose journal was emptied', async () => {
    const { path } = await patient()
    const journal = join(path, 'state', 'delivery', 'journal')
    for (const name of await readdir(journal)) await truncate(join(journal, name), 0)
    const findings = await examined(path)
    expect(only(findings, 'journals').details?.[0]).toMatch(/^delivery: the snapshot ends at/)
  })
})
