/** Deliveries in raw form over HTTP. */
import { expect, test } from 'vitest'
import {
  decodeLeaseParts,
  decodeOutcomes,
  encodeSettle,
  type LeasePart,
  SETTLE_TYPE,
  type SettleSaying,
} from '../../../src/api/index.ts'
import { decodeRecords } from '../../../src/record/index.ts'
import { FAKE_START_MS } from '../../support/fakeClock.ts'
import { setup as jsonSetup } from './setup.ts'

async function setup() {
  const all = await jsonSetup()
  const url = `http://127.0.0.1:${all.stub.port}/groups/g`
  const { member_id } = all
  const lease = async (more: object = {}): Promise<LeasePart[]> => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ member_id, ...more })
    const reply = await fetch(`${url}/lease`, { method: 'POST', headers, body })
    return decodeLeaseParts(Buffer.from(await reply.arrayBuffer()))
  }
  const settle = async (body: Buffer) => {
    const headers = { 'content-type': SETTLE_TYPE }
    const reply = await fetch(`${url}/settle`, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    if (reply.status !== 200) return ((await reply.json()) as { code: string }).code
    return decodeOutcomes(Buffer.from(await reply.arrayBuffer()))
  }
  return { ...all, lease, settle }
}

const saying = (part: LeasePart | undefined, more: Partial<SettleSaying>): SettleSaying => ({
  ...{ what: 'ack', topic: 't', partition: 0, from: 0, to: 1, deliveryCount: 1 },
  nonce: part?.nonce ?? 0,
  ...more,
})

test('a lease is records as stored with one nonce, settled by ranges', async () => {
  const { publish, lease, settle, get } = await setup()
  await publish('a', 'b', 'c', 'd')
  const [part, ...others] = await lease()
  expect(others).toEqual([])
  expect(part).toMatchObject({
    ...{ topic: 't', partition: 0, deliveryCount: 1, offset: 0, count: 4 },
    deadlineMs: FAKE_START_MS + 30_000,
  })
  expect([...decodeRecords(part?.bytes ?? Buffer.alloc(0))].map(({ value }) => `${value}`)).toEqual(
    [...'abcd'],
  )
  expect(await settle(encodeSettle([saying(part, { to: 2 })]))).toEqual([])
  expect(await get('/groups/g/offsets')).toEqual({ offsets: { t: { '0': 2 } } })
  const outcomes = await settle(
    encodeSettle([
      saying(part, { what: 'nack', from: 2, to: 3, timeMs: 5_000, reason: 'no' }),
      saying(part, { what: 'extend', from: 3, to: 4, timeMs: 60_000 }),
      saying(part, { from: 2, to: 5, nonce: 7 }),
      saying(part, { what: 'giveBack', from: 3, to: 4 }),
    ]),
  )
  expect(outcomes).toEqual([
    { saying: 0, error: 0, from: 2, to: 3, timeMs: FAKE_START_MS + 5_000 },
    { saying: 1, error: 0, from: 3, to: 4, timeMs: FAKE_START_MS + 60_000 },
    { saying: 2, error: 934, from: 2, to: 3, timeMs: 0 },
    { saying: 2, error: 934, from: 3, to: 4, timeMs: 0 },
    { saying: 2, error: 933, from: 4, to: 5, timeMs: 0 },
  ])
  expect(await lease()).toMatchObject([{ offset: 3, deliveryCount: 1 }])
})

test('what is no list of sayings is refused', async () => {
  const { settle } = await setup()
  expect(await settle(Buffer.from('nonsense'))).toBe('INVALID_REQUEST')
  expect(await settle(encodeSettle([saying(undefined, { to: 0 })]))).toBe('INVALID_REQUEST')
  expect(await settle(encodeSettle([saying(undefined, {})]))).toMatchObject([{ error: 933 }])
  expect(await settle(encodeSettle([saying(undefined, { to: 1e9 })]))).toMatchObject([
    { error: 900 },
  ])
})
