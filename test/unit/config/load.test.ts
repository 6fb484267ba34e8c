import { describe, expect, test } from 'vitest'
import { parseFile } from '../../../src/config/file.ts'
import { ConfigError, type ConfigSources, loadConfiguration } from '../../../src/config/index.ts'

const load = (sources: Partial<ConfigSources> = {}) =>
  loadConfiguration({ env: {}, flags: {}, ...sources })

const file = (...lines: readonly string[]) =>
  parseFile({ path: 'goqueue.yaml', text: lines.join('\n') })

/** The problems as lines; fails where there are none. */
function problemsOf(sources: Partial<ConfigSources>): readonly string[] {
  try {
    load(sources)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ where, message }) => `${where}: ${message}`)
  }
  throw new Error('the configuration was accepted')
}

describe('layers', () => {
  test('without any the defaults hold', () => {
    const { settings, origins } = load()
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      dataDir: 'data',
      segmentBytes: 67_108_864,
      retentionMs: 604_800_000,
      retentionBytes: null,
      corsOrigins: [],
    })
    expect(origins.port).toEqual({ layer: 'default', where: 'default' })
  })

  test('a flag beats a variable, which beats the file, which beats the default', () => {
    const { settings, origins } = load({
      file: file('# ours', 'port: 1', 'host: a', 'data-dir: /a', 'log-level: warn'),
      env: { GOQUEUE_PORT: '2', GOQUEUE_HOST: 'b', GOQUEUE_DATA_DIR: '/b' },
      flags: { port: '3', host: 'c' },
    })
    expect(settings).toMatchObject({ port: 3, host: 'c', dataDir: '/b', logLevel: 'warn' })
    expect(origins.port).toEqual({ layer: 'flag', where: '--port' })
    expect(origins.host.where).toBe('--host')
    expect(origins.dataDir).toEqual({ layer: 'environment', where: 'GOQUEUE_DATA_DIR' })
    expect(origins.logLevel).toEqual({ layer: 'file', where: 'goqueue.yaml:5' })
  })

  test('an empty variable counts as unset', () => {
    expect(load({ env: { GOQUEUE_PORT: '' } }).settings.port).toBe(8080)
  })

  test('a key in a file may be written in any case style', () => {
    const { settings } = load({
      file: file('dataDir: /x', 'log_level: DEBUG', 'segment-bytes: 1MiB'),
    })
    expect(settings).toMatchObject({ dataDir: '/x', logLevel: 'debug', segmentBytes: 1_048_576 })
  })

  test('a file may be JSON', () => {
    const json = parseFile({
      path: 'c.json',
      text: '{"port": 9000, "cors-origins": ["http://a", "http://b"]}',
    })
    expect(load({ file: json }).settings).toMatchObject({
      port: 9000,
      corsOrigins: ['http://a', 'http://b'],
    })
  })

  test('a file may be empty or hold comments only', () => {
    expect(load({ file: file('') }).settings.port).toBe(8080)
    expect(load({ file: file('# nothing yet') }).settings.port).toBe(8080)
  })
})

describe('values', () => {
  test('carry units or none', () => {
    const { settings } = load({
      env: { GOQUEUE_SYNC_INTERVAL: '250ms', GOQUEUE_RETENTION: '7d' },
      flags: { 'segment-bytes': '8MB', 'tail-cache-bytes': '4096', 'cors-origins': 'a, b,' },
    })
    expect(settings).toMatchObject({
      syncIntervalMs: 250,
      retentionMs: 604_800_000,
      segmentBytes: 8_000_000,
      tailCacheBytes: 4096,
      corsOrigins: ['a', 'b'],
    })
  })

  test('none means no limit, where there may be none', () => {
    expect(load({ flags: { retention: 'none' } }).settings.retentionMs).toBeNull()
    expect(load({ file: file('retention: null') }).settings.retentionMs).toBeNull()
  })

  test.each([
    [{ port: '70000' }, '--port: port must be 0 to 65535, not 70000'],
    [{ port: 'abc' }, '--port: port must be a whole number, not "abc"'],
    [{ port: '1.5' }, '--port: port must be a whole number, not "1.5"'],
    [
      { 'segment-bytes': '64M' },
      '--segment-bytes: segment-bytes must be a size such as 64MiB or 64MB, not "64M"',
    ],
    [{ 'segment-bytes': '2GiB' }, '--segment-bytes: segment-bytes must be 1KiB to 1GiB, not 2GiB'],
    [
      { retention: 'soon' },
      '--retention: retention must be a duration such as 250ms, 30s or 1h30m or none, not "soon"',
    ],
    [{ verify: 'some' }, '--verify: verify must be one of tail, all, not "some"'],
    [{ host: '' }, '--host: host must be a text that is not empty, not ""'],
    [{ port: ['1', '2'] }, '--port: is given more than once'],
    [{ prot: '1' }, '--prot: "prot" is no setting; did you mean port?'],
  ])('%j is refused', (flags, problem) => {
    expect(problemsOf({ flags })).toEqual([problem])
  })
})

describe('problems', () => {
  test('of all layers are reported at once, each with its place', () => {
    const sources = {
      file: file('port: many', 'colour: red', 'verify: [1]', 'port: 3'),
      env: { GOQUEUE_SEGMENT_BYTES: '64M', GOQUEUE_DATA_DIRR: '/x' },
      flags: { 'log-level': 'loud' },
    }
    expect(problemsOf(sources)).toEqual([
      'goqueue.yaml:2: "colour" is no setting; `goqueue config` lists them all',
      'goqueue.yaml:4: port is given twice, first at goqueue.yaml:1',
      'GOQUEUE_DATA_DIRR: is no setting; did you mean GOQUEUE_DATA_DIR?',
      'goqueue.yaml:1: port must be a whole number, not "many"',
      'goqueue.yaml:3: verify must be one of tail, all, not [1]',
      'GOQUEUE_SEGMENT_BYTES: segment-bytes must be a size such as 64MiB or 64MB, not "64M"',
      '--log-level: log-level must be one of debug, info, warn, error, silent, not "loud"',
    ])
  })

  test('of syntax name the line', () => {
    const [problem, ...others] = problemsOf({ file: file('port: 1', 'host: [') })
    expect(problem).toMatch(/^goqueue\.yaml:2: is not YAML: /)
    expect(others).toEqual([])
  })

  test('a file that is no mapping is one', () => {
    expect(problemsOf({ file: file('- port') })).toEqual([
      'goqueue.yaml: must be a mapping of settings, such as `port: 8080`',
    ])
  })

  test('a record limit that fits in no segment is one', () => {
    expect(
      problemsOf({ flags: { 'segment-bytes': '64KiB', 'max-record-bytes': '65KiB' } }),
    ).toEqual([
      '--max-record-bytes: max-record-bytes must not exceed segment-bytes: a record fits in a segment',
    ])
  })

  test('a record limit that nobody set follows a smaller segment', () => {
    const { settings, origins } = load({ flags: { 'segment-bytes': '64KiB' } })
    expect(settings.maxRecordBytes).toBe(65_536)
    expect(origins.maxRecordBytes.where).toBe('default, as segment-bytes')
  })

  test('what Kubernetes injects beside a service of our name is passed over or explained', () => {
    const env = { GOQUEUE_SERVICE_HOST: '10.0.0.1', GOQUEUE_PORT_8080_TCP: 'tcp://10.0.0.1:8080' }
    expect(load({ env }).settings.host).toBe('127.0.0.1')
    expect(problemsOf({ env: { GOQUEUE_PORT: 'tcp://10.0.0.1:8080' } })[0]).toMatch(
      /enableServiceLinks: false/,
    )
  })
})
