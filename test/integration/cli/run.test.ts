import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { commandLinePage } from '../../../src/cli/reference.ts'
import { EXIT } from '../../../src/kernel/exitCodes.ts'
import { VERSION } from '../../../src/kernel/version.ts'
import { runCli } from '../../support/cliIo.ts'

// The first command that needs them loads whole rooms, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

describe('help', () => {
  test.each([
    ['--help'],
    ['serve --help'],
    ['config --help'],
    ['topic --help'],
    ['topic create --help'],
    ['topic list --help'],
    ['topic describe --help'],
    ['topic configure --help'],
    ['topic delivery --help'],
    ['topic delete --help'],
    ['group delivery --help'],
    ['produce --help'],
    ['consume --help'],
    ['work --help'],
    ['ack --help'],
    ['nack --help'],
    ['reject --help'],
    ['dlq list --help'],
    ['dlq show --help'],
    ['dlq redrive --help'],
    ['dlq tasks --help'],
    ['dlq cancel --help'],
    ['delayed list --help'],
    ['delayed show --help'],
    ['delayed cancel --help'],
    ['delayed reschedule --help'],
    ['delayed stats --help'],
    ['priority --help'],
    ['health --help'],
    ['dump --help'],
    ['version --help'],
  ])('goqueue %s', async (line) => {
    const { exitCode, stdout, stderr } = await runCli(line.split(' '))
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/Options:/)
    const isGroup = line === '--help' || line === 'topic --help'
    if (!isGroup) expect(stdout).toMatch(/Examples:\n {2}goqueue /)
    expect(Math.max(...stdout.split('\n').map((each) => each.length))).toBeLessThanOrEqual(100)
  })
})

describe('goqueue --help', () => {
  test('names every exit code', async () => {
    const { stdout } = await runCli(['--help'])
    const named = [...stdout.matchAll(/^ +(\d+) {2}\w/gm)].map((match) => Number(match[1]))
    expect(named).toEqual(Object.values(EXIT))
  })
})

describe('docs/cli.md', () => {
  test('has every command and its help; `npm run docs` renews it', async () => {
    const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
    expect(page).toBe(await commandLinePage())
    const { stdout } = await runCli(['--help'])
    const commands = [...stdout.matchAll(/^ {2}goqueue (\w+)/gm)].map((match) => match[1])
    expect(commands.length).toBeGreaterThan(8)
    for (const command of commands) expect(page).toContain(`goqueue ${command}`)
  })
})

describe('a wrong command line', () => {
  test.each([
    ['', 'say what to do', 'see goqueue --help'],
    ['topik', 'did you mean topic?', 'see goqueue --help'],
    ['topic', 'say what to do with topics', 'see goqueue topic --help'],
    ['topic create', 'not enough non-option arguments', 'see goqueue topic --help'],
    [
      'topic create a --partitons 3',
      'unknown argument: partitons; did you mean --partitions?',
      'see',
    ],
    ['topic create a -p zero', '--partitions must be a whole number, 1 to 1024, not "zero"', ''],
    ['topic create a -p 1 -p 2', '--partitions is given more than once', ''],
    ['topic create a --retention soon', '--retention must be a duration such as', ''],
    ['topic create a --segment-bytes 64M', '--segment-bytes must be a size such as', ''],
    ['topic list -o yaml', '--output must be one of table, json, not "yaml"', ''],
    ['produce t v --acks some', '--acks must be one of none, leader, all, not "some"', ''],
    ['produce t v --priority top', '--priority must be one of critical', ''],
    ['produce t v -H nonsense', '--header must be name=value, not "nonsense"', ''],
    ['produce t v --key-field a', 'it is one or the other', ''],
    ['produce t --tombstone', '--tombstone needs a --key', ''],
    ['produce t -k a --key-field b', 'are mutually exclusive', 'see goqueue produce --help'],
    ['consume t --from never', '--from must be beginning', ''],
    ['consume t -n 0', '--count must be a whole number, from 1 on', ''],
    ['consume t -o yaml', '--output must be text, json, value or a template', ''],
    ['serve --prot 1', 'unknown argument: prot; did you mean --port?', 'see goqueue serve --help'],
    ['topc list', 'there is no command topc; did you mean topic?', 'see goqueue --help'],
    ['topic lst', 'no command lst; did you mean list?', 'see goqueue topic --help'],
    ['foo', 'there is no command foo', 'see goqueue --help'],
    ['topic list --url nowhere', 'not an http or https URL: nowhere', ''],
  ])('goqueue %s', async (line, message, hint) => {
    const { exitCode, stdout, stderr } = await runCli(line === '' ? [] : line.split(' '))
    expect(stderr.toLowerCase()).toContain(message.toLowerCase())
    expect(stderr).toMatch(/^error: /)
    expect(stderr).toContain(hint)
    expect(stdout).toBe('')
    expect(exitCode).toBe(2)
  })
})

describe('configuration', () => {
  test('is printed with where each value comes from', async () => {
    const env = { GOQUEUE_PORT: '9000' }
    const { exitCode, stdout } = await runCli(['config', '--data-dir', '/x'], { env })
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      host: { value: '127.0.0.1', from: 'default' },
      port: { value: '9000', from: 'GOQUEUE_PORT' },
      'data-dir': { value: '/x', from: '--data-dir' },
    })
  })

  test('is a table on a terminal', async () => {
    const { stdout } = await runCli(['config'], { terminal: true })
    expect(stdout).toMatch(/^SETTING +VALUE +FROM\n/)
    expect(stdout).toMatch(/\nsegment-bytes +64MiB +default\n/)
  })

  test('that is wrong ends with 78 and all problems', async () => {
    const env = { GOQUEUE_PORT: 'x', GOQUEUE_PRT: '1' }
    for (const command of ['config', 'serve']) {
      const { exitCode, stderr } = await runCli([command, '--verify', 'some'], { env })
      expect(exitCode).toBe(78)
      expect(stderr).toMatch(/^error: 3 problems in the configuration\n {2}GOQUEUE_PRT: /)
      expect(stderr).toMatch(/GOQUEUE_PORT: port must be a whole number/)
      expect(stderr).toMatch(/--verify: verify must be one of/)
    }
  })

  test('of a file that is not there says which', async () => {
    const { exitCode, stderr } = await runCli(['config', '-c', '/nowhere.yaml'])
    expect(exitCode).toBe(78)
    expect(stderr).toContain('--config: there is no file /nowhere.yaml')
  })
})

describe('without a broker', () => {
  const url = ['--url', 'http://127.0.0.1:1']

  test.each([['topic list'], ['topic create a'], ['produce a b'], ['consume a'], ['health']])(
    'goqueue %s ends with 69 and says how to start one',
    async (line) => {
      const { exitCode, stderr } = await runCli([...line.split(' '), ...url])
      expect(exitCode).toBe(69)
      expect(stderr).toMatch(/^error: cannot reach http:\/\/127\.0\.0\.1:1: connection refused/)
      expect(stderr).toMatch(/\nhint: start a broker with `goqueue serve`/)
    },
  )

  test('the advice is to type what npm understands, where npm runs the command', async () => {
    const env = { npm_lifecycle_event: 'npx' }
    const { stderr } = await runCli(['topic', 'list', ...url], { env })
    expect(stderr).toMatch(/start a broker with `npx goqueue serve`/)
  })

  test('the version of the program is told all the same', async () => {
    const { exitCode, stdout } = await runCli(['version', ...url])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ version: VERSION, broker: null })
    expect((await runCli(['--version'])).stdout).toBe(`${VERSION}\n`)
  })

  test('the variable names the broker as the flag does, and the flag wins', async () => {
    const env = { GOQUEUE_URL: 'http://127.0.0.1:2' }
    expect((await runCli(['topic', 'list'], { env })).stderr).toContain('127.0.0.1:2')
    expect((await runCli(['topic', 'list', ...url], { env })).stderr).toContain('127.0.0.1:1:')
  })

  test('a completion script is printed', async () => {
    const { exitCode, stdout } = await runCli(['completion'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('goqueue --get-yargs-completions')
  })

  test.each([
    ['del', ['delayed']],
    ['delayed re', ['reschedule']],
    ['produce --de', ['--delay', '--deliver-at']],
    ['priority --w', ['--watch']],
  ])('%s is completed', async (line, completions) => {
    const words = line.split(' ')
    const { stdout } = await runCli(['--get-yargs-completions', 'goqueue', ...words])
    const given = stdout.split('\n').map((each) => each.split(':')[0])
    for (const completion of completions) expect(given).toContain(completion)
  })
})
