/** Every page of docs/: what it shows is run as it stands, beside a daemon of its own. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startDaemon } from '../support/daemon.ts'
import { pageScript, runPage } from '../support/pageScript.ts'

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))

/** What must be among what a page prints, so that a page that does nothing does not pass. */
const PRINTED: Readonly<Record<string, readonly string[]>> = {
  'concepts.md': ['order 3', 'billed: order 1', 'critical'],
  'delay.md': ['2100-01-01T00:00:00.000Z', '{"cancelled":true}', '"pending_count":1'],
  'delivery.md': ['{"acknowledged":true}', '"dry_run":true'],
  'guides/from-kafka.md': [
    '{"amount":10}',
    'checked 2',
    'not even JSON - no JSON',
    '"dry_run": true',
  ],
  'guides/from-bullmq.md': [
    'reset to alan@example.com',
    'welcome to ada@example.com',
    'sent: {"to":"edsger',
    'failed: {"to":"nobody"} no address 1',
  ],
  'guides/from-sqs.md': [
    '{"acknowledged":true}',
    'billed order 2 of shop',
    '"duplicate":true',
    'order 3',
  ],
  'groups.md': ['order 5', 'billing'],
  'http-api.md': ['"durability":"disk"'],
  'operations.md': ['order 1'],
  'priority.md': ['now\n', '"background"'],
}

const pages = readdirSync(DOCS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md'))
  .map((file) => ({ file, text: readFileSync(`${DOCS}${file}`, 'utf8') }))
  .filter(({ text }) => pageScript(text) !== '')
  .sort((a, b) => a.file.localeCompare(b.file))

describe('the snippets of', () => {
  test.for(pages)('$file', async ({ file, text }) => {
    const printed = await runPage(text, await startDaemon())
    for (const expected of PRINTED[file] ?? []) expect(printed).toContain(expected)
  })
})
