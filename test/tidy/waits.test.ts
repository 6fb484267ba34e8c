/** Tests and loads wait for what they wait for. Where time itself is waited for, it is here, with the reason. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WAIT = /setTimeout\(\s*(?:resolve|done)\b/

const WHY: Readonly<Record<string, string>> = {
  'bench/soak/load/reading.ts': 'how long a passing member stays is the load',
  'bench/support/pause.ts': 'rates and turns are made of time; a daemon of its own tells nobody',
  'test/checker/brokers/host.ts': 'a power loss where nothing goes on has no boundary to wait for',
  'test/checker/brokers/relay.ts': 'the delay of a network is what it makes',
  'test/checker/clients/http.ts': 'the rests between the acts of clients and faults are the load',
  'test/crash/workers.test.ts':
    'the broker is asked again and again: it has no news of what settled',
  'test/integration/client/worker/worker.test.ts': 'a handler that outlives its lease takes time',
  'test/support/proxy/faultyProxy.ts': 'the delay of a network is what it makes',
}

const sources = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('results'))
    .map((file) => join(folder, file))

test('only those wait for time to pass who are named, and all of them do', () => {
  const waiting = [...sources('test'), ...sources('bench')].filter((file) =>
    WAIT.test(readFileSync(join(ROOT, file), 'utf8')),
  )
  expect(waiting.sort()).toEqual(Object.keys(WHY).sort())
})
