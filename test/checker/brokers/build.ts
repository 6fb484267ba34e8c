/**
 * Builds what is checked into a directory of its own, from the sources as they are now, with changes to some of them
 * where a mutation asks for it. The sources themselves are only read.
 *
 *   <directory>/package.json  node_modules@  dist/bundle/main.js (the daemon)  dist/bundle/host.js (see host.ts)
 */
import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** One place in one source file, to be read otherwise. */
export interface SourceChange {
  /** From the root of the repository: `src/log/segmented/syncLoop.ts`. */
  readonly file: string
  /** Occurs exactly once in it. */
  readonly find: string
  readonly replace: string
}

export interface BuiltBroker {
  /** The command line: `main.js serve …`. */
  readonly main: string
  /** The broker on a simulated disk. */
  readonly host: string
}

/** They look for files of their own beside themselves. */
const NOT_BUNDLED = ['@node-rs/crc32', 'pino', 'pino-pretty', '@fastify/swagger-ui']

export async function buildBroker(
  directory: string,
  changes: readonly SourceChange[] = [],
): Promise<BuiltBroker> {
  const bundle = join(directory, 'dist', 'bundle')
  await mkdir(bundle, { recursive: true })
  await copyFile(join(ROOT, 'package.json'), join(directory, 'package.json'))
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  await build({
    entryPoints: {
      main: join(ROOT, 'src', 'cli', 'main.ts'),
      host: join(ROOT, 'test', 'checker', 'brokers', 'host.ts'),
    },
    outdir: bundle,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'error',
    external: NOT_BUNDLED,
    plugins: [changedSources(changes)],
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  })
  return { main: join(bundle, 'main.js'), host: join(bundle, 'host.js') }
}

/** `text` with `find` replaced. Throws where it does not occur exactly once. */
export function changed(text: string, { file, find, replace }: SourceChange): string {
  const parts = text.split(find)
  if (parts.length === 2) return parts.join(replace)
  throw new Error(`${file}: ${JSON.stringify(find)} occurs ${parts.length - 1} times`)
}

const changedSources = (changes: readonly SourceChange[]): Plugin => ({
  name: 'changed sources',
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const own = changes.filter(({ file }) => relative(ROOT, path) === file)
      if (own.length === 0) return undefined
      const contents = own.reduce(changed, await readFile(path, 'utf8'))
      return { contents, loader: 'ts' }
    })
  },
})
