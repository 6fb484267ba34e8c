/** What a newer broker wrote is refused by name, not called damaged. */
import { expect, test } from 'vitest'
import { deliveryCodec } from '../../../src/delivery/machine/codec.ts'
import { redriveCodec } from '../../../src/delivery/redrive/machine.ts'

const refused = expect.objectContaining({ code: 'FORMAT_TOO_NEW' })

test.each([
  ['an event of deliveries', () => deliveryCodec.decodeEvent(Buffer.from([0xff]))],
  ['a snapshot of deliveries', () => deliveryCodec.decodeSnapshot(Buffer.from([0xff]))],
  ['an event of redrives', () => redriveCodec.decodeEvent(Buffer.from('{"type":"reborn"}'))],
  ['a snapshot of redrives', () => redriveCodec.decodeSnapshot(Buffer.from('{"version":9}'))],
])('%s of a newer version is FORMAT_TOO_NEW', (_, decode) => {
  expect(decode).toThrow(refused)
})
