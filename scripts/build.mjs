/**
 * Builds dist/: the modules with their types (the compiler), then dist/bundle/, which is what the command runs.
 *
 * The bundle is for the start alone. The daemon and its libraries are over a thousand small files, and finding and
 * reading them one by one took more than half of the time until the first answer.
 */
import { spawnSync } from 'node:child_process'
import { rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COMPILER = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
const BUNDLE = join(ROOT, 'dist', 'bundle')

/** They look for files of their own beside themselves: native code, a worker's source, pages. */
const NOT_BUNDLED = ['@node-rs/crc32', 'pino', 'pino-pretty', '@fastify/swagger-ui']

const started = new Date()
// Only on demand: a daemon that runs may still load what is there.
if (process.argv.includes('--clean')) rmSync(join(ROOT, 'dist'), { recursive: true, force: true })

// What the compiler says goes to standard error: standard output may belong to a command.
const compiled = spawnSync(process.execPath, [COMPILER, '-p', join(ROOT, 'tsconfig.build.json')], {
  cwd: ROOT,
  stdio: ['ignore', 2, 2],
})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

await build({
  entryPoints: [join(ROOT, 'dist', 'cli', 'main.js')],
  outdir: BUNDLE,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'eof',
  logLevel: 'warning',
  external: NOT_BUNDLED,
  // What is CommonJS among the libraries calls `require`, which an ES module does not have.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
})

// Its time says which sources are in it: what was changed meanwhile is newer.
utimesSync(join(BUNDLE, 'main.js'), started, started)
