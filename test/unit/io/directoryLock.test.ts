import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { lockDirectory, lockHolder } from '../../../src/io/index.ts'

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'goqueue-lock-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A claim as another process leaves it. */
function claim(directory: string, name: string, content: object | string = {}): void {
  mkdirSync(join(directory, 'LOCK'), { recursive: true })
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  writeFileSync(join(directory, 'LOCK', name), text)
}

const claims = (directory: string): string[] => readdirSync(join(directory, 'LOCK'))

/** A process that does nothing until it is killed. */
async function idleProcess() {
  const child = spawn('sleep', ['1000'])
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  const { pid = 0 } = child
  return { child, pid }
}

const onLinux = test.skipIf(process.platform !== 'linux')

/** When a process started, as Linux says it. */
async function startOf(pid: number): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

describe('directory lock', () => {
  test('is held by one, and free again after its release', async () => {
    const directory = temporary()
    const lock = await lockDirectory(directory)
    expect(await lockHolder(directory)).toMatchObject({ pid: process.pid, host: hostname() })
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      code: 'DATA_DIR_LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await lock.release()
    await lock.release()
    expect(await lockHolder(directory)).toBeUndefined()
    await (await lockDirectory(directory)).release()
    expect(claims(directory)).toEqual([])
  })

  test('of a directory that nobody locked is free', async () => {
    expect(await lockHolder(join(temporary(), 'missing'))).toBeUndefined()
  })

  test('goes to one of many who want it at the same time', async () => {
    const directory = temporary()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => lockDirectory(directory)),
    )
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
  })

  onLinux('is refused while another living process holds it', async () => {
    const directory = temporary()
    const { pid } = await idleProcess()
    claim(directory, `${pid}-${await startOf(pid)}`)
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      code: 'DATA_DIR_LOCKED',
      message: expect.stringContaining(`process ${pid}`),
    })
    expect(claims(directory)).toHaveLength(1)
  })

  onLinux('is taken over from a process that was killed', async () => {
    const directory = temporary()
    const { child, pid } = await idleProcess()
    claim(directory, `${pid}-${await startOf(pid)}`)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await lockDirectory(directory)
    expect(claims(directory)).toHaveLength(1)
    await lock.release()
  })

  onLinux('is not held by a process that has got the pid of the holder', async () => {
    const directory = temporary()
    const { pid } = await idleProcess()
    claim(directory, `${pid}-12345`)
    await (await lockDirectory(directory)).release()
  })

  onLinux('is not held by a process from before the machine was started', async () => {
    const directory = temporary()
    const { pid } = await idleProcess()
    claim(directory, `${pid}-${await startOf(pid)}`, { host: hostname(), boot: 'another' })
    await (await lockDirectory(directory)).release()
  })

  test('from another host cannot be judged and is respected', async () => {
    const directory = temporary()
    claim(directory, '999999-1', { pid: 999_999, started: '1', host: 'elsewhere', boot: 'b' })
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      message: expect.stringContaining('elsewhere'),
    })
  })

  test('whose claim a crash left empty is judged by its name', async () => {
    const directory = temporary()
    claim(directory, '999999-1', '')
    await (await lockDirectory(directory)).release()
    expect(claims(directory)).toEqual([])
  })
})
