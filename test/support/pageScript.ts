/**
 * A page of the documentation as a program: its snippets in their order, run by bash as a reader would paste them.
 *
 *   ```sh           pasted as it stands; a command that fails, or a request that is refused, fails the page
 *   ```js           saved as a module and run by node in the same place
 *   anything else   is shown and not run: ```text, ```yaml, ```console (needs what no test has: a container engine, an
 *                   init system, an hour), ```javascript (the program of another system, for comparison)
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BIN, type TestDaemon, temporaryDirectory } from './daemon.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const run = promisify(execFile)

const SNIPPET = /^```(sh|js)\n([\s\S]*?)^```$/gm

/** The snippets of a page that can be run; empty where there are none. */
export function pageScript(page: string): string {
  const parts: string[] = []
  for (const [, language, code = ''] of page.matchAll(SNIPPET)) {
    parts.push(language === 'sh' ? code : `node --input-type=module <<'MODULE'\n${code}MODULE\n`)
  }
  return parts.join('\n')
}

/** Runs it beside a fresh daemon; what was printed. Rejects with what went wrong. */
export async function runPage(page: string, daemon: TestDaemon): Promise<string> {
  const place = await readersPlace(daemon)
  const script = pageScript(page)
    .replaceAll('http://127.0.0.1:8080', daemon.url)
    .replaceAll('http://localhost:8080', daemon.url)
    .replaceAll('localhost:8080', daemon.url)
  const checked = `curl() { command curl --fail-with-body -S "$@"; }\n${script}`
  const { PATH = '' } = process.env
  const env = {
    ...process.env,
    GOQUEUE_URL: daemon.url,
    GOQUEUE_BUILD: 'never',
    PATH: `${join(place, 'bin')}:${PATH}`,
  }
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', checked], { cwd: place, env })
  return stdout
}

/** A directory as whoever has installed the package would have it, with `data` the daemon's. */
async function readersPlace({ dataDir }: TestDaemon): Promise<string> {
  const place = await temporaryDirectory()
  await mkdir(join(place, 'bin'))
  await mkdir(join(place, 'node_modules'))
  await symlink(ROOT, join(place, 'node_modules', 'goqueue'))
  await symlink(join(ROOT, 'test'), join(place, 'test'))
  await symlink(dataDir, join(place, 'data'))
  const commands = {
    goqueue: `exec '${process.execPath}' '${BIN}' "$@"`,
    npx: `shift; exec '${process.execPath}' '${BIN}' "$@"`,
  }
  for (const [name, line] of Object.entries(commands)) {
    const file = join(place, 'bin', name)
    await writeFile(file, `#!/bin/sh\n${line}\n`)
    await chmod(file, 0o755)
  }
  return place
}
