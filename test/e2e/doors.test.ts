/** The package's doors, as a program that depends on it would open them. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What an ES module prints, which imports from `goqueue` by name. */
function output(...lines: readonly string[]): string {
  const args = ['--input-type=module', '-e', lines.join('\n')]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
  return stdout + stderr
}

describe('package', () => {
  test.each([
    ['goqueue', ['Admin', 'Broker', 'BrokerError', 'Connection', 'ERRORS', 'Records']],
    ['goqueue/client', ['Admin', 'Connection', 'Records']],
    ['goqueue/broker', ['Broker', 'BrokerError', 'decodeRecords']],
    ['goqueue/errors', ['BrokerError', 'ERRORS']],
  ])('%s has %j', (door, names) => {
    const text = output(
      `import * as door from '${door}'`,
      `console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => typeof door[name])))`,
    )
    expect(JSON.parse(text)).not.toContain('undefined')
  })

  test('goqueue/broker runs a broker inside a program, which then ends by itself', () => {
    const text = output(
      `import { Broker, decodeRecords } from 'goqueue/broker'`,
      `const broker = await Broker.open({ memory: true })`,
      `await broker.createTopic('orders', { partitions: 1 })`,
      `await broker.publish('orders', [{ key: 'k', value: 'hello' }])`,
      `const { bytes } = await broker.read('orders', 0)`,
      `for (const { value } of decodeRecords(bytes)) console.log(value.toString())`,
      `await broker.close()`,
    )
    expect(text).toBe('hello\n')
  })

  test('goqueue/broker loads neither the server nor the log nor the metrics of the daemon', () => {
    const text = output(
      `import { createRequire } from 'node:module'`,
      `await import('goqueue/broker')`,
      `const loaded = Object.keys(createRequire(import.meta.url).cache ?? {})`,
      `const cached = Object.keys((await import('node:module')).default._cache)`,
      `console.log([...loaded, ...cached].filter((file) => /fastify|pino|prom-client/.test(file)).length)`,
    )
    expect(text).toBe('0\n')
  })
})
