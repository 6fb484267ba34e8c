/** bin/goqueue.js in a checkout of its own: it builds what is missing or stale, once, and says so. */
import { spawn, spawnSync } from 'node:child_process'
import { cp, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/daemon.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A checkout whose program prints `text`, the pool's size and its arguments. */
async function checkout(text = 'main') {
  const root = await temporaryDirectory()
  await cp(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true })
  await cp(join(ROOT, 'scripts'), join(root, 'scripts'), { recursive: true })
  await mkdir(join(root, 'src', 'cli'), { recursive: true })
  const project = {
    compilerOptions: {
      ...{ target: 'es2023', module: 'nodenext', rootDir: 'src', outDir: 'dist', types: ['node'] },
      ...{ incremental: true, tsBuildInfoFile: 'dist/.tsbuildinfo', skipLibCheck: true },
    },
    include: ['src'],
  }
  await writeFile(join(root, 'tsconfig.build.json'), JSON.stringify(project))
  await writeFile(join(root, 'package.json'), '{"type":"module"}')
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  await writeSource(root, text)
  return root
}

const writeSource = (root: string, text: string): Promise<void> =>
  writeFile(
    join(root, 'src', 'cli', 'main.ts'),
    `console.log('${text}', process.env['UV_THREADPOOL_SIZE'], ...process.argv.slice(2))\n`,
  )

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(root: string, ...args: readonly string[]): Promise<Ended> {
  const { GOQUEUE_BUILD: _, UV_THREADPOOL_SIZE: __, ...env } = process.env
  const child = spawn(process.execPath, [join(root, 'bin', 'goqueue.js'), ...args], { env })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

const NOTICE = 'building goqueue (once)…\n'

describe('bin/goqueue.js', () => {
  test('builds what was never built, then runs it; the second time it only runs', async () => {
    const root = await checkout()
    expect(await run(root, 'a', '-b')).toEqual({
      code: 0,
      stdout: 'main 16 a -b\n',
      stderr: NOTICE,
    })
    expect(await run(root)).toEqual({ code: 0, stdout: 'main 16\n', stderr: '' })
  })

  test('builds again what has changed', async () => {
    const root = await checkout('before')
    await run(root)
    await writeSource(root, 'after')
    const later = new Date(Date.now() + 5000)
    await utimes(join(root, 'src', 'cli', 'main.ts'), later, later)
    expect(await run(root)).toMatchObject({ stdout: 'after 16\n', stderr: NOTICE })
  })

  test('is built by one of two that start at once, and both run', async () => {
    const root = await checkout()
    const ended = await Promise.all([run(root), run(root), run(root)])
    expect(ended.map(({ code, stdout }) => [code, stdout])).toEqual(
      ended.map(() => [0, 'main 16\n']),
    )
    expect(ended.filter(({ stderr }) => stderr === NOTICE)).toHaveLength(1)
  })

  test('says so where it cannot be built, and runs no stale program', async () => {
    const root = await checkout()
    await run(root)
    await writeFile(join(root, 'src', 'cli', 'main.ts'), 'const wrong: number = "text"\n')
    const { code, stdout, stderr } = await run(root)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/TS2322[\s\S]*error: the build failed\nhint: /)
    expect((await run(root)).code).toBe(1)
  })

  test('does not wait for a build whose process died', async () => {
    const root = await checkout()
    await mkdir(join(root, 'dist'))
    const { pid = 0 } = spawnSync(process.execPath, ['-e', ''])
    await writeFile(join(root, 'dist', '.building'), String(pid))
    expect(await run(root)).toMatchObject({ code: 0, stderr: NOTICE })
  })

  test('without compiler and without build says what to do', async () => {
    const root = await checkout()
    await rm(join(root, 'node_modules'))
    expect(await run(root)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: goqueue is not built\nhint: run `npm ci` and try again\n',
    })
  })

  test('of an installed package, which has no sources, runs as it is', async () => {
    const root = await checkout()
    await run(root)
    await rm(join(root, 'src'), { recursive: true })
    await rm(join(root, 'node_modules'))
    expect(await run(root)).toEqual({ code: 0, stdout: 'main 16\n', stderr: '' })
  })
})
