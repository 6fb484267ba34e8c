import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

async function withTopic(partitions = 1): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 't', '-p', String(partitions)])
  return daemon
}

async function withSmallRecords(): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  await daemon.run(['topic', 'create', 't', '-p', '1', '--max-record-bytes', '2KiB'])
  return daemon
}

async function messagesOf({ run }: InProcessDaemon) {
  const { stdout } = await run(['consume', 't'])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line))
}

async function fileOf(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'lines')
  await writeFile(path, text)
  return path
}

describe('goqueue produce with a value', () => {
  test('publishes it and says where it is', async () => {
    const daemon = await withTopic()
    const { exitCode, stdout } = await daemon.run(['produce', 't', '007', '-k', 'k'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ topic: 't', partition: 0, offset: 0, durability: 'disk' })
    expect(await messagesOf(daemon)).toMatchObject([{ key: 'k', value: '007' }])
    const told = await daemon.run(['produce', 't', 'x', '--acks', 'leader'], { terminal: true })
    expect(told.stdout).toBe('t partition 0 offset 1 (memory)\n')
  })

  test('publishes headers, a priority, and a value that begins with a dash', async () => {
    const daemon = await withTopic()
    const headers = ['-H', 'trace=a=b', '-H', 'kind: test']
    await daemon.run(['produce', 't', ...headers, '--priority', 'high', '--', '-5'])
    expect(await messagesOf(daemon)).toMatchObject([
      { value: '-5', priority: 'high', headers: { trace: 'a=b', kind: 'test' } },
    ])
  })

  test('publishes an empty value, and a key without a value', async () => {
    const daemon = await withTopic()
    await daemon.run(['produce', 't', ''])
    await daemon.run(['produce', 't', '-k', 'gone', '--tombstone'])
    expect(await messagesOf(daemon)).toMatchObject([{ value: '' }, { key: 'gone', value: null }])
  })

  test('puts it into the partition that is named', async () => {
    const daemon = await withTopic(3)
    const { stdout } = await daemon.run(['produce', 't', 'x', '-k', 'k', '-p', '2'])
    expect(JSON.parse(stdout).partition).toBe(2)
    const none = await daemon.run(['produce', 't', 'x', '-p', '3'])
    expect(none.exitCode).toBe(1)
    expect(none.stderr).toContain('PARTITION_NOT_FOUND')
  })

  test('refuses a topic that is not there', async () => {
    const daemon = await withTopic()
    const { exitCode, stderr } = await daemon.run(['produce', 'nope', 'x'])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/TOPIC_NOT_FOUND\)\nhint: /)
  })
})

describe('goqueue produce with lines', () => {
  test('publishes each line of standard input', async () => {
    const daemon = await withTopic()
    const stdin = ['one\ntw', 'o\n\nthree']
    const { stdout } = await daemon.run(['produce', 't', '-k', 'k'], { stdin })
    expect(JSON.parse(stdout)).toEqual({
      topic: 't',
      messages: 3,
      durability: 'disk',
      partitions: { '0': { first: 0, last: 2, count: 3 } },
    })
    const messages = await messagesOf(daemon)
    expect(messages.map(({ key, value }) => [key, value])).toEqual([
      ['k', 'one'],
      ['k', 'two'],
      ['k', 'three'],
    ])
  })

  test('publishes a file of more than one batch in order', async () => {
    const daemon = await withTopic()
    const lines = Array.from({ length: 2500 }, (_, i) => `line ${i}`)
    const path = await fileOf(lines.join('\n'))
    const { stdout } = await daemon.run(['produce', 't', '-f', path], { terminal: true })
    expect(stdout).toMatch(
      /^2,500 messages published to t \(disk\)\nPARTITION +FIRST +LAST +COUNT\n/,
    )
    expect((await messagesOf(daemon)).map(({ value }) => value)).toEqual(lines)
  })

  test('takes key, value and priority from the fields of JSON lines', async () => {
    const daemon = await withTopic()
    const stdin = ['{"id":1,"user":{"name":"ann"},"body":"hello","urgency":"high"}\n']
    const fields = ['--key-field', 'user.name', '--value-field', 'body']
    await daemon.run(['produce', 't', ...fields, '--priority-field', 'urgency'], { stdin })
    expect(await messagesOf(daemon)).toMatchObject([
      { key: 'ann', value: 'hello', priority: 'high' },
    ])
  })

  test('stops at a line that is no message, and says how far it came', async () => {
    const daemon = await withTopic()
    const stdin = ['{"k":"a"}\n{"k":"b"}\nnonsense\n{"k":"c"}\n']
    const { exitCode, stdout, stderr } = await daemon.run(['produce', 't', '--key-field', 'k'], {
      stdin,
    })
    expect(exitCode).toBe(65)
    expect(stdout).toBe('')
    expect(stderr).toBe(
      '2 messages published before this:\nerror: line 3 is not JSON\n' +
        'hint: the lines before it were published; go on from it with `tail -n +3`\n',
    )
    expect((await messagesOf(daemon)).map(({ key }) => key)).toEqual(['a', 'b'])
  })

  test('stops at a line that is too large for the topic, behind those that are not', async () => {
    const daemon = await withSmallRecords()
    const lines = ['a', 'b', 'x'.repeat(3000), 'c']
    const { exitCode, stderr } = await daemon.run(['produce', 't'], { stdin: [lines.join('\n')] })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(
      /^2 messages published before this:\nerror: line 3: 3000 bytes, .* at most 2048 \(RECORD_TOO_LARGE\)\nhint: /,
    )
    expect((await messagesOf(daemon)).map(({ value }) => value)).toEqual(['a', 'b'])
  })

  test('names the line that the broker refuses, and counts what it took', async () => {
    const daemon = await withSmallRecords()
    // Not too large by itself, but with what is stored beside it.
    const lines = Array.from({ length: 1500 }, (_, i) => (i === 1200 ? 'x'.repeat(2048) : `${i}`))
    const { exitCode, stdout, stderr } = await daemon.run(['produce', 't'], {
      stdin: [lines.join('\n')],
    })
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toMatch(
      /^[\d,]+ messages? w[aser]+ acknowledged; line \d+ is the first that was not.*\nerror: line 1201: record of \d+ bytes, at most 2048 \(RECORD_TOO_LARGE\)\nhint: /,
    )
    const count = Number(/^[\d,]+/.exec(stderr)?.[0].replace(',', ''))
    expect(await messagesOf(daemon)).toHaveLength(count)
  })

  test('waits for nothing where that is wanted, and claims no offsets', async () => {
    const daemon = await withTopic()
    const { stdout } = await daemon.run(['produce', 't', '--acks', 'none'], { stdin: ['a\nb\n'] })
    expect(JSON.parse(stdout)).toEqual({
      topic: 't',
      messages: 2,
      durability: 'none',
      partitions: { '0': { count: 2 } },
    })
    const one = await daemon.run(['produce', 't', 'c', '--acks', 'none'], { terminal: true })
    expect(one.stdout).toBe('t partition 0 (none)\n')
  })

  test('of nothing publishes nothing', async () => {
    const daemon = await withTopic()
    const { exitCode, stdout } = await daemon.run(['produce', 't'], { stdin: [] })
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ topic: 't', messages: 0, partitions: {} })
  })

  test('of a file that is not there fails before anything is published', async () => {
    const daemon = await withTopic()
    const { exitCode, stderr } = await daemon.run(['produce', 't', '-f', '/nowhere/at/all'])
    expect(exitCode).toBe(66)
    expect(stderr).toBe('error: cannot read /nowhere/at/all: there is no such file\n')
    const directory = await daemon.run(['produce', 't', '-f', tmpdir()])
    expect(directory.exitCode).toBe(66)
    expect(directory.stderr).toContain(`cannot read ${tmpdir()}: it is a directory\n`)
  })

  test('sends bytes that are no text as they are', async () => {
    const daemon = await withTopic()
    await daemon.run(['produce', 't'], { stdin: [new Uint8Array([0xff, 0x00, 0x0a])] })
    expect(await messagesOf(daemon)).toMatchObject([
      { value: Buffer.from([0xff, 0x00]).toString('base64'), encoding: 'base64' },
    ])
  })
})
