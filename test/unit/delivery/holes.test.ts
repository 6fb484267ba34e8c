/** One record that keeps failing in front of very many: what it costs, and that nothing behind it waits for it. */
import { expect, test } from 'vitest'
import { deliveryCodec } from '../../../src/delivery/machine/codec.ts'
import type { DeliveryCommand } from '../../../src/delivery/machine/events.ts'
import { DeliveryMachine } from '../../../src/delivery/machine/machine.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { memoryEngine } from '../../../src/log/index.ts'
import { batchOf } from '../../../src/record/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { wholeSnapshot } from '../../support/wholeSnapshot.ts'
import { House } from './house.ts'

const RECORDS = 1_000_000
const BATCH = 1_000

test('a million records pass one that keeps failing, at the cost of a few runs', () => {
  const policy = { maxRetries: 1_000, inFlightMax: 10_000, backoffMs: 0 }
  const machine = new DeliveryMachine({ policy, random: () => 0 })
  let journalBytes = 0
  let nowMs = 1_000
  const submit = (command: DeliveryCommand) => {
    const { events, reply } = machine.decide(command, nowMs)
    for (const event of events) {
      machine.apply(event)
      journalBytes += deliveryCodec.encodeEvent(event).length
    }
    return reply
  }
  const where = { group: 'g', epochMs: 0, topic: 't', topicId: 1, partition: 0 }
  const { window } = submit({ kind: 'open', ...where, cursor: 0 })
  const of = { window, member: 'a', visibilityMs: undefined, lane: 2, view: undefined }
  const lease = { kind: 'lease', ...of } as const
  const state = machine.state.windows.get(window)
  let runsMax = 0
  for (let nonce = 1; state !== undefined && state.cursor < RECORDS; nonce += 1) {
    nowMs += 1
    machine.state.ripen(nowMs, () => undefined)
    const asked = { ...lease, nonce, max: BATCH, end: RECORDS, isFirst: true }
    for (const { from, to, deliveries } of submit(asked).pieces) {
      const said = { window, nonce, deliveries }
      if (from === 0) {
        submit({ kind: 'nack', ...said, from, to: 1, delayMs: undefined, error: '' })
      }
      if (to > 1) submit({ kind: 'ack', ...said, from: Math.max(from, 1), to })
    }
    runsMax = Math.max(runsMax, state.runCount)
  }
  expect([state?.runCount, state?.floor, state?.unresolved]).toEqual([1, 0, 1])
  expect(state?.viewAt(0)).toMatchObject({ from: 0, to: 1, failures: 1_001 })
  expect(runsMax).toBeLessThan(5)
  expect(journalBytes / RECORDS).toBeLessThan(0.2)
  expect(wholeSnapshot(deliveryCodec.encodeSnapshot(machine.snapshot())).length).toBeLessThan(1_000)
  submit({ kind: 'bury', window, lane: 2, from: 0, to: 1 })
  expect(state?.floor).toBe(RECORDS)
})

test('the service hands out all that is behind it, and the floor is right in the end', async () => {
  const clock = new FakeClock()
  const platform = { clock, random: () => 0.5, logger: silentLogger }
  const home = await new House({ engine: memoryEngine(platform), clock }).start()
  await home.topic('t')
  await home.join('a')
  await home.delivery.setPolicy('group', 'g', {
    maxRetries: 1_000,
    backoffMs: 1,
    inFlightMax: 5_000,
  })
  const partition = home.topics.get('t').partition(0)
  const records = Array.from({ length: BATCH }, () => ({ value: 'x' }))
  for (let i = 0; i < 60; i += 1) await partition.append(batchOf(...records), 'leader')
  let settled = 0
  while (settled < 60 * BATCH - 1) {
    clock.advance(10)
    const request = { group: 'g', memberId: 'a', maxMessages: BATCH, maxBytes: 10_000_000 }
    const read = await home.delivery.poll({ ...request, waitMs: 0, autoCommit: false })
    if (read.rebalance) throw new Error('a rebalance')
    const sayings = read.value.parts.flatMap((part) => {
      const range = { group: 'g', topic: 't', partition: 0, nonce: part.nonce, deliveries: 1 }
      const rest = {
        kind: 'ack',
        range: { ...range, from: Math.max(1, part.offset), to: part.nextOffset },
      } as const
      settled += rest.range.to - rest.range.from
      if (part.offset > 0) return [rest]
      const first = { kind: 'nack', range: { ...range, from: 0, to: 1 } } as const
      return part.count === 1 ? [first] : [first, rest]
    })
    await home.delivery.say(sayings)
  }
  expect(home.delivery.describe('g').windows).toMatchObject([
    { floor: 0, cursor: 60 * BATCH, unresolved: 1, backlog: 1 },
  ])
  clock.advance(60_000)
  await home.say('ack', await home.poll())
  expect(home.delivery.floor('g', 't', 0)).toBe(60 * BATCH)
  await home.stop()
})
