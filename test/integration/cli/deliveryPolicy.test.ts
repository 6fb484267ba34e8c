import { describe, expect, onTestFinished, test } from 'vitest'
import { Admin, Connection } from '../../../src/client/index.ts'
import { startInProcess } from '../../support/inProcessDaemon.ts'

async function setup() {
  const { url, run } = await startInProcess()
  const connection = new Connection({ url })
  onTestFinished(() => connection.close())
  const admin = new Admin(connection)
  await admin.createTopic({ name: 't', partitions: 1 })
  const json = { client_id: 'c', topics: ['t'] }
  await connection.askJson({ method: 'POST', path: '/groups/g/join', json })
  const reply = async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await run(args)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    return JSON.parse(stdout)
  }
  return { admin, run, reply }
}

describe.each([
  ['group', 'g', { group: 'g' }],
  ['topic', 't', { topic: 't' }],
] as const)('goqueue %s delivery', (kind, name, of) => {
  test('sets what is named, shows what is in force, and takes it back', async () => {
    const { admin, reply } = await setup()
    const set = await reply(
      ...[kind, 'delivery', name, '--ack-durability', 'all', '--max-retries', '7'],
      ...['--backoff', '5s', '--priority-weights', '5,4,3,2,1', '--backoff-jitter', '0.5'],
    )
    const expected = {
      ...{ ack_durability: 'all', max_retries: 7, backoff: '5s', backoff_jitter: 0.5 },
      priority_weights: { critical: 5, high: 4, normal: 3, low: 2, background: 1 },
    }
    expect(set.set).toEqual(expected)
    expect(set.in_force).toMatchObject({ ...expected, backoff_max: '1m' })
    expect(await reply(kind, 'delivery', name)).toEqual(set)
    const back = await reply(kind, 'delivery', name, '--max-retries', 'default')
    expect(back.set).not.toHaveProperty('max_retries')
    expect(back.in_force.max_retries).toBe(3)
    expect(await admin.deliveryPolicy(of)).toEqual(back)
  })

  test('marks for people what was set here', async () => {
    const { run } = await setup()
    const args = [kind, 'delivery', name, '--visibility-timeout', '5m']
    const { stdout } = await run(args, { terminal: true })
    expect(stdout).toMatch(/^visibility-timeout +5m +here/m)
    expect(stdout).toMatch(/^priority-weights +50,25,15,7,3 *$/m)
  })

  test.each([
    [['--ack-durability', 'some'], '--ack-durability must be leader or all, or default'],
    [['--backoff', 'soon'], '--backoff must be a duration'],
    [['--priority-weights', '1,2'], '--priority-weights must be five whole numbers'],
    [['--max-retries', 'many'], '--max-retries must be a number'],
  ])('%j is no command line', async (args, message) => {
    const { run } = await startInProcess()
    const { exitCode, stderr } = await run([kind, 'delivery', name, ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })

  test('says what the broker refuses', async () => {
    const { run } = await setup()
    const { exitCode, stderr } = await run([kind, 'delivery', name, '--max-retries', '1001'])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('max_retries must be an integer from 0 to 1000')
  })
})
