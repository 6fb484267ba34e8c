/** When a worker asks for more. */
import { expect, test } from 'vitest'
import { Gate } from '../../../../src/client/worker/gate.ts'
import { Intake, type IntakeHost } from '../../../../src/client/worker/intake.ts'
import { workerSettings } from '../../../../src/client/worker/options.ts'
import { Patience } from '../../../../src/client/worker/patience.ts'
import { FakeClock } from '../../../support/fakeClock.ts'

/** Four handlers and room for four more messages; how often more was asked for. */
function setup() {
  const clock = new FakeClock()
  const settings = workerSettings({
    ...{ group: 'g', topics: ['t'], concurrency: 4, prefetch: 4, clock },
    handler: () => undefined,
  })
  const closing = new AbortController()
  const places = { waiting: 0, running: 0, add: () => undefined }
  let polls = 0
  const gate = new Gate()
  const intake = new Intake({
    ...{ settings, places, gate, closing: closing.signal, patience: new Patience(settings) },
    settlements: { unconfirmed: 0 },
    membership: {
      memberId: 'm',
      generation: 1,
      stable: async () => undefined,
      heard: () => undefined,
    },
    deliveries: {
      lease: async () => {
        polls += 1
        return { parts: [{}], rebalance: false }
      },
    },
    emptied: () => undefined,
    failed: (error: Error) => {
      throw error
    },
  } as unknown as IntakeHost)
  const close = async (running: Promise<void>): Promise<void> => {
    closing.abort()
    gate.open()
    await running
  }
  return { clock, places, gate, intake, close, polls: () => polls }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('an urgent message waited for a handler that was busy only when the worker looked', async () => {
  const { clock, places, gate, intake, close, polls } = setup()
  // Three that wait are of the lowest lane, which has as many handlers as it may have; the fourth is busy for a moment.
  places.waiting = 3
  places.running = 4
  const running = intake.run()
  await settled()
  places.running = 3
  gate.open()
  await settled()
  expect(polls()).toBe(0)
  clock.advance(5)
  await settled()
  expect(polls()).toBe(1)
  await close(running)
})

test('a worker whose handlers are all busy looks for something urgent now and then', async () => {
  const { clock, places, intake, close, polls } = setup()
  places.waiting = 3
  places.running = 4
  const running = intake.run()
  await settled()
  clock.advance(49)
  await settled()
  expect(polls()).toBe(0)
  clock.advance(1)
  await settled()
  expect(polls()).toBe(1)
  await close(running)
})
