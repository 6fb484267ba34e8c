/** README's five minutes: every block is pasted into a shell, as a reader would, beside a daemon on a free port. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { startDaemon } from '../support/daemon.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const TOUR = README.slice(README.indexOf('## Five minutes'), README.indexOf('## Where things are'))
const BLOCKS = [...TOUR.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block ?? '')
const EVENTS = 1707

const run = promisify(execFile)

describe("README's tour", () => {
  test('works when pasted', async () => {
    const [start, first = '', ...rest] = BLOCKS
    expect(start).toBe('npm start\n')
    // npx takes longer than what it starts: its way is gone once.
    const pasted = [first, 'npx() { shift; node bin/goqueue.js "$@"; }', ...rest]
    const daemon = await startDaemon()
    const script = pasted
      .join('\n')
      .replace('http://127.0.0.1:8080', daemon.url)
      .replace('dump data', `dump ${daemon.dataDir}`)
    const env = { ...process.env, GOQUEUE_BUILD: 'never' }
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, env })
    for (const expected of [
      '"name":"quakes"',
      `"messages":${EVENTS}`,
      '"durability":"disk"',
      '"duplicate":true',
      'a late one',
      '700\n',
      '{"acknowledged":true}',
      '{"requeued":true,',
      '"dlq_topic":"orders.dlq"',
      '"redriven":1',
      '2: order 2',
      '1: order 3',
      'G   Q 001',
      '0 {"id":1}',
    ]) {
      expect(stdout.replaceAll(/: (?=["\d{[])/g, ':')).toContain(expected)
    }
    const dense = stdout.replaceAll(/\s/g, '')
    expect(dense).toContain('"lag":{"quakes":{"0":0,"1":0,"2":0}}')
    expect(dense).toMatch(/"dry_run":true,"offsets":\{"quakes":\{"0":\{"before":\d+,"after":0\}/)
  })
})
