/** What is shipped beside the code: an image, a compose file, a unit. They name things of this tree, and hold what matters. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfiguration } from '../../src/config/index.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** The instructions of the Dockerfile in their order, continued lines joined, comments left out. */
const instructions = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [name = '', ...rest] = line.trim().split(/\s+/)
    return { name, words: rest, text: rest.join(' ') }
  })
const of = (name: string) => instructions.filter((each) => each.name === name)
const lastStage = instructions.slice(
  instructions.lastIndexOf(of('FROM').at(-1) ?? { name: '', words: [], text: '' }),
)

describe('the image', () => {
  test('is of a version of Node that is named and new enough', () => {
    const required = JSON.parse(read('package.json')).engines.node
    expect(required).toBe('>=20.19')
    for (const { words } of of('FROM')) expect(words[0]).toMatch(/^node:(?:2[2-9])-\w+-slim$/)
  })

  test('is made of files that are there and that its context holds', () => {
    const taken = of('COPY').filter(({ text }) => !text.includes('--from'))
    const sources = taken.flatMap(({ words }) => words.slice(0, -1)).filter((word) => word !== './')
    const ignored = read('.dockerignore')
    expect(sources.length).toBeGreaterThan(5)
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).toBe(true)
      expect(ignored).toContain(`!${source}\n`)
    }
    expect(ignored).toMatch(/^\*$/m)
  })

  test('is run by a user without rights, with its data in a volume of that user', () => {
    const text = lastStage.map(({ name, text }) => `${name} ${text}`).join('\n')
    expect(text).toMatch(/chown node:node \/data[\s\S]*USER node\nVOLUME \/data/)
    expect(of('USER').at(-1)?.text).toBe('node')
  })

  test('says how it is, stops as the broker does, and starts it', () => {
    const start = 'node /app/bin/goqueue.js'
    expect(of('HEALTHCHECK')[0]?.text).toContain('CMD ["node", "/app/bin/goqueue.js", "health"]')
    expect(of('STOPSIGNAL')[0]?.text).toBe('SIGTERM')
    const words = [of('ENTRYPOINT')[0]?.text, of('CMD')[0]?.text].map((each) =>
      JSON.parse(each ?? ''),
    )
    expect(words.flat().join(' ')).toBe(`${start} serve`)
  })

  test('sets what settings there are', () => {
    const pairs = of('ENV').flatMap(({ words }) => words.map((word) => word.split('=')))
    const { settings } = loadConfiguration({ env: Object.fromEntries(pairs), flags: {} })
    expect(settings).toMatchObject({ host: '0.0.0.0', dataDir: '/data', logFormat: 'json' })
  })
})

describe('the compose file', () => {
  const { services } = parse(read('compose.yaml')) as {
    services: Record<string, Record<string, unknown>>
  }

  test('wants keys, and says so where there are none', () => {
    const environment = services['goqueue']?.['environment'] as Record<string, string>
    expect(environment['GOQUEUE_API_KEYS']).toMatch(/^\$\{GOQUEUE_API_KEYS:\?set it first[^}]+\}$/)
  })

  test('listens to this machine, keeps its name and gives it time to stop', () => {
    expect(services['goqueue']).toMatchObject({
      ports: ['127.0.0.1:8080:8080'],
      ...{ hostname: 'goqueue', container_name: 'goqueue', stop_grace_period: '15s' },
      volumes: ['data:/data'],
    })
  })
})

describe('the systemd unit', () => {
  const unit = read('ops/systemd/goqueue.service')

  test('reloads, restarts and holds what it should', () => {
    for (const line of [
      ...['Type=exec', 'Restart=on-failure', 'DynamicUser=yes', 'StateDirectory=goqueue'],
      ...['LimitNOFILE=65536', 'TimeoutStopSec=15', 'NoNewPrivileges=yes', 'ProtectSystem=strict'],
      ...['ExecStart=/usr/local/bin/goqueue serve', 'RestartPreventExitStatus=2 73 78'],
    ]) {
      expect(unit.split('\n')).toContain(line)
    }
    // V8 makes code while it runs.
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m)
  })

  const verifier = spawnSync('systemd-analyze', ['--version']).status === 0
  if (!verifier) process.stderr.write('systemd-analyze is not here: the unit is not verified\n')

  test.skipIf(!verifier)('is one to systemd', () => {
    const directory = mkdtempSync(join(tmpdir(), 'goqueue-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const file = join(directory, 'goqueue.service')
    writeFileSync(file, unit.replace('/usr/local/bin/goqueue', process.execPath))
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})
