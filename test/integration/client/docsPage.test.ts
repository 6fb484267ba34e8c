/** Runs what docs/clients.md shows, block after block, against a daemon. */
import { readFileSync } from 'node:fs'
import { transformWithEsbuild } from 'vite'
import { expect, test, vi } from 'vitest'
import * as broker from '../../../src/app/index.ts'
import * as client from '../../../src/client/index.ts'
import { startInProcess } from '../../support/inProcessDaemon.ts'

const page = readFileSync(new URL('../../../docs/clients.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? '')

type Run = (packages: object) => Promise<unknown>
const AsyncFunction = (async () => undefined).constructor as new (...source: string[]) => Run

test('the snippets of docs/clients.md run as they stand', async () => {
  const daemon = await startInProcess()
  // One program: what a block declares, the ones behind it use.
  const [last = '', ...others] = blocks.toReversed()
  const program = others.toReversed().join('\n').replaceAll('http://127.0.0.1:8080', daemon.url)
  const said: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(words.join(' ')))
  await run(`${program}\nif (seen.length !== 3) throw new Error('not all was seen')`)
  await run(last)
  expect(said[0]).toMatch(/^stored on disk at \d:0$/)
  expect(said).toContain('2 messages, 2 in all')
  expect(said.at(-1)).toBe('0 {"id":1}')
})

async function run(source: string): Promise<void> {
  const imported = source.replace(
    /import \{(.*?)\} from '(.*?)'/g,
    (_, names, from) => `const {${names}} = packages['${from}']`,
  )
  const { code } = await transformWithEsbuild(`(async () => {${imported}})()`, 'clients.ts', {
    target: 'es2023',
  })
  const packages = { 'goqueue/client': client, 'goqueue/broker': broker }
  await new AsyncFunction('packages', `await ${code}`)(packages)
}
