import { describe, expect, onTestFinished, test } from 'vitest'
import { Admin, Connection } from '../../../src/client/index.ts'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

interface World extends InProcessDaemon {
  readonly connection: Connection
  /** Joins group `g` for `topics`; resolves with the member id. */
  join(...topics: readonly string[]): Promise<string>
  leave(memberId: string): Promise<void>
  commit(memberId: string, offsets: Record<string, Record<string, number>>): Promise<void>
}

/** Topic `t` with two partitions of five messages each, topic `u` with one of three. */
async function setup(): Promise<World> {
  const daemon = await startInProcess()
  const connection = new Connection({ url: daemon.url })
  onTestFinished(() => connection.close())
  const post = (action: string, json: object) =>
    connection.askJson({ method: 'POST', path: `/groups/g/${action}`, json })
  const admin = new Admin(connection)
  await admin.createTopic({ name: 't', partitions: 2 })
  await admin.createTopic({ name: 'u', partitions: 1 })
  for (const [topic, partition, count] of [
    ['t', 0, 5],
    ['t', 1, 5],
    ['u', 0, 3],
  ] as const) {
    const messages = Array.from({ length: count }, () => ({ value: 'x', partition }))
    await connection.askJson({
      method: 'POST',
      path: `/topics/${topic}/messages`,
      json: { messages },
    })
  }
  return {
    ...daemon,
    connection,
    async join(...topics) {
      const reply = await post('join', { client_id: 'c', topics, mode: 'offset' })
      return (reply as { member_id: string }).member_id
    },
    async leave(memberId) {
      await post('leave', { member_id: memberId })
    },
    async commit(memberId, offsets) {
      await post('offsets', { member_id: memberId, offsets })
    },
  }
}

/** A group that has committed `t` 0 up to 4 and `u` up to 1, without members. */
async function abandoned(): Promise<World> {
  const world = await setup()
  const member = await world.join('t', 'u')
  await world.commit(member, { t: { '0': 4 }, u: { '0': 1 } })
  await world.leave(member)
  return world
}

const ok = async (world: World, ...args: readonly string[]) => {
  const { exitCode, stdout, stderr } = await world.run(['group', ...args])
  expect({ exitCode, stderr: stderr.replace(/^\d+ partitions? .*\n$/, '') }).toEqual({
    exitCode: 0,
    stderr: '',
  })
  return JSON.parse(stdout)
}

describe('goqueue group', () => {
  test('list shows names to programs, figures to people', async () => {
    const world = await setup()
    const empty = await world.run(['group', 'list'], { terminal: true })
    expect(empty.stderr).toMatch(/^no groups yet; `goqueue consume/)
    await world.commit(await world.join('t'), { t: { '0': 4 } })
    expect(await ok(world, 'list')).toEqual({ groups: ['g'] })
    const { stdout } = await world.run(['group', 'ls'], { terminal: true })
    expect(stdout).toMatch(
      /^GROUP +STATE +MODE +MEMBERS +TOPICS +LAG\ng +stable +offset +1 +1 +6\n$/,
    )
  })

  test('describe shows members, assignment and the lag of each partition', async () => {
    const world = await setup()
    const members = [await world.join('t'), await world.join('t')].toSorted()
    await world.commit(members[0] ?? '', { t: { '0': 4 } })
    const [first, second] = members
    expect(await ok(world, 'describe', 'g')).toMatchObject({
      group_id: 'g',
      mode: 'offset',
      lag: { t: { '0': 1, '1': 5 } },
      partitions: [
        { topic: 't', partition: 0, committed: 4, lag: 1, member_id: first },
        { topic: 't', partition: 1, committed: null, lag: 5, member_id: second },
      ],
    })
    expect(await ok(world, 'describe', 'g')).toMatchObject({ ack_durability: 'leader' })
    const { stdout } = await world.run(['group', 'describe', 'g'], { terminal: true })
    expect(stdout).not.toContain('power cut')
    const admin = new Admin(world.connection)
    await admin.setDeliveryPolicy({ group: 'g' }, { ack_durability: 'all' })
    expect(await ok(world, 'describe', 'g')).toMatchObject({ ack_durability: 'all' })
    const asked = await world.run(['group', 'describe', 'g'], { terminal: true })
    expect(asked.stdout).toContain('acks and commits survive a power cut')
    expect(stdout).toMatch(/^g {2}rebalancing, mode offset, generation 2, 2 members, lag 6\n\n/)
    expect(stdout).toMatch(new RegExp(`\\n${first} +c +1 +\\d{4}-.*Z +30s\\n`))
    expect(stdout).toMatch(/\nTOPIC +PARTITION +COMMITTED +LAG +MEMBER\n/)
    expect(stdout).toMatch(new RegExp(`\\nt +0 +4 +1 +${first}\\nt +1 +- +5 +${second}\\n$`))
  })

  test('offsets shows what is committed, of all topics or of one', async () => {
    const world = await abandoned()
    expect(await ok(world, 'offsets', 'g')).toEqual({
      group_id: 'g',
      offsets: { t: { '0': 4 }, u: { '0': 1 } },
    })
    const { stdout } = await world.run(['group', 'offsets', 'g', '-t', 'u'], { terminal: true })
    expect(stdout).toMatch(/^TOPIC +PARTITION +COMMITTED\nu +0 +1\n$/)
    const none = await world.run(['group', 'offsets', 'g', '-t', 'other'], { terminal: true })
    expect(none).toMatchObject({ stdout: '', stderr: 'nothing is committed\n' })
  })

  test('reset moves every topic of the group; a dry run moves nothing', async () => {
    const world = await abandoned()
    const moves = {
      t: { '0': { before: 4, after: 0 }, '1': { before: null, after: 0 } },
      u: { '0': { before: 1, after: 0 } },
    }
    const rehearsal = await ok(world, 'reset', 'g', '--to-earliest', '--dry-run')
    expect(rehearsal).toEqual({ group_id: 'g', dry_run: true, offsets: moves })
    expect((await ok(world, 'offsets', 'g')).offsets.t).toEqual({ '0': 4 })
    expect((await ok(world, 'reset', 'g', '--to-earliest')).offsets).toEqual(moves)
    expect((await ok(world, 'offsets', 'g')).offsets.t).toEqual({ '0': 0, '1': 0 })
  })

  test('reset goes to the end, to an offset and to a time, of one topic and of some partitions', async () => {
    const world = await abandoned()
    expect((await ok(world, 'reset', 'g', '-t', 'u', '--to-latest')).offsets).toEqual({
      u: { '0': { before: 1, after: 3 } },
    })
    const some = ['-t', 't', '-p', '1', '--to-offset', '2']
    expect((await ok(world, 'reset', 'g', ...some)).offsets).toEqual({
      t: { '1': { before: null, after: 2 } },
    })
    const back = await ok(world, 'reset', 'g', '-t', 't', '-p', '0,1', '--to-time', '1h')
    expect(back.offsets).toEqual({
      t: { '0': { before: 4, after: 0 }, '1': { before: 2, after: 0 } },
    })
    const shown = await world.run(['group', 'reset', 'g', '-t', 'u', '--to-offset', '99'], {
      terminal: true,
    })
    expect(shown.stdout).toMatch(/^TOPIC +PARTITION +BEFORE +AFTER\nu +0 +3 +3\n$/)
    expect(shown.stderr).toBe('0 partitions moved\n')
  })

  test('reset of what a member holds is refused and moves nothing, also of what nobody holds', async () => {
    const world = await abandoned()
    const member = await world.join('u')
    const { exitCode, stderr } = await world.run(['group', 'reset', 'g', '--to-earliest'])
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`u-0: assigned to ${member} (PARTITION_HELD)\nhint: stop the members`)
    expect((await ok(world, 'offsets', 'g')).offsets.t).toEqual({ '0': 4 })
  })

  test.each([
    [[], 'say where to, once'],
    [['--to-earliest', '--to-latest'], 'say where to, once'],
    [['--to-time', 'soon'], '--to-time must be'],
    [['--to-earliest', '-p', '1'], '--partition needs a --topic'],
    [['--to-earliest', '-t', 't', '-p', 'x'], '--partition must be'],
  ])('reset %j is no command line', async (args, message) => {
    const { run } = await startInProcess()
    const { exitCode, stderr } = await run(['group', 'reset', 'g', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })

  test('delete takes a group without members only, and says what to do about them', async () => {
    const world = await setup()
    const member = await world.join('t')
    const refused = await world.run(['group', 'delete', 'g'])
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(/GROUP_NOT_EMPTY\)\nhint: .*group describe.* stop them first/)
    await world.leave(member)
    expect(await ok(world, 'delete', 'g')).toEqual({ deleted: true, group_id: 'g' })
    const missing = await world.run(['group', 'delete', 'g'])
    expect(missing.exitCode).toBe(1)
    expect(missing.stderr).toMatch(/GROUP_NOT_FOUND\)\nhint: `goqueue group list`/)
    const fine = await world.run(['group', 'rm', 'g', '--if-exists'], { terminal: true })
    expect(fine).toMatchObject({ exitCode: 0, stdout: 'there was no group g\n' })
  })
})
