/** The command line as a process: pipes, signals, the ways it is called. */

import { spawn } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  BIN,
  goqueue,
  startDaemon,
  startGoqueue,
  type TestDaemon,
  temporaryDirectory,
} from '../support/daemon.ts'

describe('goqueue', () => {
  test('works through a symbolic link, as npm makes it', async () => {
    const link = join(await temporaryDirectory(), 'goqueue')
    await symlink(BIN, link)
    const child = spawn(link, ['--version'], { env: { ...process.env, GOQUEUE_BUILD: 'never' } })
    onTestFinished(() => void child.kill())
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, printed }).toEqual({ code: 0, printed: expect.stringMatching(/^\d+\.\d+\.\d+/) })
  })

  test('gives the thread pool of the daemon sixteen threads, unless it is told otherwise', async () => {
    const count = async (env: NodeJS.ProcessEnv): Promise<string> => {
      const script = `process.argv[2] = '--version'; require(${JSON.stringify(BIN)}); console.log(process.env.UV_THREADPOOL_SIZE)`
      const child = spawn(process.execPath, ['-e', script], {
        env: { ...process.env, GOQUEUE_BUILD: 'never', ...env },
      })
      let printed = ''
      child.stdout.on('data', (chunk) => {
        printed += chunk
      })
      await new Promise((resolve) => child.on('close', resolve))
      return printed.split('\n')[0] ?? ''
    }
    expect(await count({ UV_THREADPOOL_SIZE: '' })).toBe('16')
    expect(await count({ UV_THREADPOOL_SIZE: '8' })).toBe('8')
  })

  test('says how the heap is collected, unless it is told otherwise', async () => {
    const told = async (...nodeFlags: string[]): Promise<string[]> => {
      const script = `require('node:v8').setFlagsFromString = console.log; process.argv[2] = '--version'; require(${JSON.stringify(BIN)})`
      const child = spawn(process.execPath, [...nodeFlags, '-e', script], {
        env: { ...process.env, GOQUEUE_BUILD: 'never' },
      })
      let printed = ''
      child.stdout.on('data', (chunk) => {
        printed += chunk
      })
      await new Promise((resolve) => child.on('close', resolve))
      return printed.split('\n').filter((line) => line.startsWith('--'))
    }
    const [growth, alone] = ['--heap-growing-percent=120', '--no-parallel-scavenge']
    expect(await told()).toEqual([growth, alone])
    expect(await told('--heap-growing-percent=200')).toEqual([alone])
    expect(await told('--parallel-scavenge')).toEqual([growth])
    expect(await told('--noparallel-scavenge')).toEqual([growth])
  })

  test('ends quietly where its reader went away', async () => {
    const daemon = await startDaemon()
    await daemon.ask('POST', '/topics', { name: 't' })
    const messages = Array.from({ length: 20_000 }, (_, i) => ({ value: `line ${i}`.padEnd(50) }))
    await daemon.ask('POST', '/topics/t/messages', { messages })
    // A reader that takes no line must not stop the process that writes them.
    const whole = await daemon.run(['consume', 't', '-o', 'value'])
    expect(whole.stdout.split('\n')).toHaveLength(20_001)
    const command = startGoqueue(['consume', 't', '-o', 'value'], {
      env: { GOQUEUE_URL: daemon.url },
    })
    await command.nextLine()
    command.process.stdout?.destroy()
    expect(await command.exit).toMatchObject({ code: 0, stderr: '' })
  })

  test('follows a topic over a restart of the broker until Ctrl-C, which is no error', async () => {
    const daemon = await startDaemon()
    await daemon.ask('POST', '/topics', { name: 't' })
    const command = startGoqueue(['consume', 't', '--follow', '-o', 'value'], {
      env: { GOQUEUE_URL: daemon.url },
    })
    const publish = (to: TestDaemon, value: string) =>
      to.ask('POST', '/topics/t/messages', { messages: [{ value }] })
    for (const value of ['first', 'second']) {
      await publish(daemon, value)
      expect(await command.nextLine()).toBe(value)
    }
    await daemon.stop()
    const { dataDir, port } = daemon
    await publish(await startDaemon({ dataDir, port }), 'third')
    expect(await command.nextLine()).toBe('third')
    command.process.kill('SIGINT')
    const { code, stderr } = await command.exit
    expect(code).toBe(0)
    expect(stderr).toMatch(/^(?:[^\n]+; trying again\n)+$/)
  })

  test('leaves its group at SIGTERM, with what it has written committed', async () => {
    const daemon = await startDaemon()
    await daemon.ask('POST', '/topics', { name: 't', num_partitions: 1 })
    await daemon.ask('POST', '/topics/t/messages', { messages: [{ value: 'a' }, { value: 'b' }] })
    const command = startGoqueue(['consume', 't', '--group', 'g', '--follow', '-o', 'value'], {
      env: { GOQUEUE_URL: daemon.url },
    })
    for (const value of ['a', 'b']) expect(await command.nextLine()).toBe(value)
    command.process.kill('SIGTERM')
    expect(await command.exit).toMatchObject({ code: 0, stderr: '' })
    expect(await daemon.ask('GET', '/groups/g')).toMatchObject({
      members: [],
      lag: { t: { 0: 0 } },
    })
  })

  test('publishes lines as they come, before the input ends; Ctrl-C ends it with 130', async () => {
    const daemon = await startDaemon()
    await daemon.ask('POST', '/topics', { name: 't' })
    const env = { GOQUEUE_URL: daemon.url }
    const reader = startGoqueue(['consume', 't', '--follow', '-o', 'value'], { env })
    const writer = startGoqueue(['produce', 't'], { env, keepInputOpen: true })
    for (const line of ['one', 'two']) {
      writer.process.stdin?.write(`${line}\n`)
      expect(await reader.nextLine()).toBe(line)
    }
    writer.process.kill('SIGINT')
    expect(await writer.exit).toMatchObject({
      code: 130,
      stderr: '2 messages published before this:\nerror: interrupted\n',
    })
  })

  test('says nothing on standard output but results', async () => {
    const { code, stdout, stderr } = await goqueue(['topic', 'list', '--url', 'http://127.0.0.1:1'])
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toMatch(/^error: .*\nhint: .*\n$/)
  })
})
