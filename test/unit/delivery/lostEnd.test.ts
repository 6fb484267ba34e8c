/** A power cut that takes the end of a topic's log and leaves what was said of it. */
import { expect, test } from 'vitest'
import { afterPowerLoss, house, values } from './house.ts'

const LOG = 'topics/t~1/0'

/** `abc` are on the disk, `de` are not; all were handed out, `b` and `d` acked. */
async function setup() {
  const home = await house()
  await home.join('a')
  await home.delivery.setPolicy('group', 'g', { ackDurability: 'all' })
  await home.publish('t', 0, ...'abc')
  await home.engine.openLogs.get(LOG)?.sync()
  await home.publish('t', 0, ...'de')
  const held = await home.poll()
  const [, b, , d] = held
  if (b === undefined || d === undefined) throw new Error('not handed out')
  await home.say('ack', [b, d])
  return { home, held }
}

test('records that are appended where lost ones were are handed out', async () => {
  const { home } = await setup()
  const next = await afterPowerLoss(home)
  await next.publish('t', 0, ...'uvwxyz')
  expect(values(await next.poll())).toBe('uvwxyz')
  expect(next.warnings).toMatchObject([{ group: 'g', handedOut: 5, next: 3 }])
})

test('what was said of the records that are left holds', async () => {
  const { home, held } = await setup()
  const next = await afterPowerLoss(home)
  expect(next.lag).toBe(2)
  expect(await next.say('ack', held)).toEqual(['done', 'done', 'done', 'unknown', 'unknown'])
  expect(next.lag).toBe(0)
})

test('a further power cut does not bring back what was said of lost records', async () => {
  const { home } = await setup()
  const next = await afterPowerLoss(home)
  await next.publish('t', 0, ...'uvwxyz')
  await next.engine.openLogs.get(LOG)?.sync()
  const last = await afterPowerLoss(next)
  expect(values(await last.poll())).toBe('uvwxyz')
})
