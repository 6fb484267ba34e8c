/** How a process ends that cannot end in order: by a second signal, by a bug. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'

const built = (path: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../dist/${path}`, import.meta.url)))

/** A process whose daemon does `onStop` when it is stopped; `then` runs once signals are looked after. */
function start(onStop: string, then: string) {
  const script = `
    const { stopOnSignals } = await import(${built('app/signals.js')})
    const { createLogger } = await import(${built('observability/index.js')})
    const { InvariantViolation } = await import(${built('kernel/invariant.js')})
    stopOnSignals({ stop: async () => { ${onStop} } }, await createLogger({ level: 'info', format: 'json' }))
    setInterval(() => {}, 1000)
    ${then}
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: { level: string; msg: string; error?: { message: string } }[] = []
  let rest = ''
  const waiting: (() => void)[] = []
  child.stdout.on('data', (chunk) => {
    rest += chunk
    const whole = rest.split('\n')
    rest = whole.pop() ?? ''
    lines.push(...whole.map((line) => JSON.parse(line)))
    for (const wake of waiting.splice(0)) wake()
  })
  const logged = async (message: string): Promise<void> => {
    while (!lines.some(({ msg }) => msg === message)) {
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
  }
  const exitCode = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { child, lines, logged, exitCode }
}

const READY = `console.log(JSON.stringify({ level: 'info', msg: 'up' }))`

describe('end', () => {
  test('by a second signal comes at once and is no success', async () => {
    const { child, logged, exitCode, lines } = start('await new Promise(() => {})', READY)
    await logged('up')
    child.kill('SIGTERM')
    await logged('stopping')
    child.kill('SIGINT')
    expect(await exitCode).toBe(1)
    expect(lines.at(-1)?.msg).toMatch(/^a second signal/)
  })

  test('that fails is no success', async () => {
    const { child, logged, exitCode, lines } = start(`throw new Error('disk')`, READY)
    await logged('up')
    child.kill('SIGTERM')
    expect(await exitCode).toBe(1)
    expect(lines.at(-1)).toMatchObject({ level: 'error', error: { message: 'disk' } })
  })

  test.each([
    [`throw new InvariantViolation('two owners')`, 'two owners'],
    [`Promise.reject(new Error('nobody handled this'))`, 'nobody handled this'],
    [`setImmediate(() => { throw new TypeError('a bug') })`, 'a bug'],
  ])('by a bug is 70 and stops nothing in order: %s', async (bug, message) => {
    const { exitCode, lines } = start(READY, `setImmediate(() => { ${bug} })`)
    expect(await exitCode).toBe(70)
    expect(lines).toMatchObject([{ level: 'fatal', error: { message } }])
  })
})
