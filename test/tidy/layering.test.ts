import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** The layering. Think hard before changing this table: docs/architecture.md says why. */
const ROOMS = {
  kernel: [],
  record: ['kernel'],
  io: ['kernel'],
  log: ['kernel', 'record', 'io'],
  state: ['kernel', 'record', 'log'],
  timing: ['kernel'],
  scheduling: ['kernel'],
  topics: ['kernel', 'record', 'log', 'state'],
  groups: ['kernel', 'state', 'timing', 'topics'],
  delivery: ['kernel', 'record', 'state', 'timing', 'scheduling', 'topics', 'groups'],
  delay: ['kernel', 'record', 'log', 'state', 'timing', 'topics'],
  broker: [
    ...['kernel', 'record', 'io', 'log', 'state', 'timing', 'scheduling'],
    ...['topics', 'groups', 'delivery', 'delay'],
  ],
  api: ['kernel'],
  listeners: ['kernel', 'record', 'api', 'broker'],
  client: ['kernel', 'record', 'api'],
  config: ['kernel'],
  observability: ['kernel'],
  app: [
    ...['kernel', 'record', 'io', 'log', 'state', 'timing', 'scheduling', 'topics', 'groups'],
    ...['delivery', 'delay', 'broker', 'api', 'listeners', 'config', 'observability'],
  ],
  cli: ['kernel', 'api', 'client', 'config', 'app'],
} as const satisfies Record<string, readonly string[]>

const MAY_IMPORT: Readonly<Record<string, readonly string[] | undefined>> = ROOMS

/** The one room in which each third-party library and each door to the machine lives. */
const HOME_OF: Readonly<Record<string, string>> = {
  fastify: 'listeners',
  '@fastify': 'listeners',
  undici: 'client',
  yargs: 'cli',
  'cli-table3': 'cli',
  'cli-progress': 'cli',
  picocolors: 'cli',
  pino: 'observability',
  'pino-pretty': 'observability',
  'prom-client': 'observability',
  yaml: 'config',
  'murmurhash3js-revisited': 'record',
  '@node-rs/crc32': 'record',
  'close-with-grace': 'app',
  'tar-stream': 'app',
  'node:fs': 'io',
  'node:fs/promises': 'io',
}

interface Import {
  readonly file: string
  readonly room: string
  readonly specifier: string
}

const sourceFiles = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)
const IMPORT = /(?:from|import)\s*\(?\s*'([^']+)'/g
const imports: Import[] = sourceFiles.flatMap((file) =>
  [...readFileSync(join(SRC, file), 'utf8').matchAll(IMPORT)].map((match) => ({
    file,
    room: file.split('/')[0] ?? '',
    specifier: match[1] ?? '',
  })),
)

/** The file inside src/ that a relative import names. */
const target = ({ file, specifier }: Import): string =>
  relative(SRC, join(SRC, dirname(file), specifier))

const isRelative = ({ specifier }: Import): boolean => specifier.startsWith('.')
const isRootDoor = (file: string): boolean => file === 'index.ts'

describe('layering', () => {
  test('every folder of src is a room of the table', () => {
    const rooms = new Set(sourceFiles.filter((f) => !isRootDoor(f)).map((f) => f.split('/')[0]))
    expect([...rooms].filter((room) => MAY_IMPORT[room ?? ''] === undefined)).toEqual([])
  })

  test('no room imports one that the table does not grant it', () => {
    const wrong = imports
      .filter((each) => isRelative(each) && !isRootDoor(each.file))
      .filter((each) => {
        const room = target(each).split('/')[0] ?? ''
        return room !== each.room && !MAY_IMPORT[each.room]?.includes(room)
      })
    expect(wrong).toEqual([])
  })

  test('a room is entered by its index.ts; kernel alone is imported file by file', () => {
    const wrong = imports.filter(isRelative).filter((each) => {
      const [room, ...rest] = target(each).split('/')
      if (room === each.room || room === 'kernel') return false
      const path = rest.join('/')
      return path !== 'index.ts' && !(room === 'listeners' && path === 'http/index.ts')
    })
    expect(wrong).toEqual([])
  })

  test('a library is used in its home only', () => {
    const wrong = imports.filter((each) => {
      const parts = each.specifier.split('/')
      const home = HOME_OF[each.specifier] ?? HOME_OF[parts[0] ?? '']
      return home !== undefined && home !== each.room
    })
    expect(wrong).toEqual([])
  })

  test('time, chance and timers come in by the constructor', () => {
    const named = /\b(?:Date\.now|Math\.random|setTimeout|setInterval)\s*\(/
    const allowed = ['kernel/systemClock.ts', 'app/', 'cli/', 'client/', 'observability/', 'io/']
    const wrong = sourceFiles
      .filter((file) => !allowed.some((prefix) => file.startsWith(prefix)))
      .filter((file) => named.test(readFileSync(join(SRC, file), 'utf8')))
    expect(wrong).toEqual([])
  })
})
