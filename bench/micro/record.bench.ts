/** The codec: a batch encoded, stamped as a log does, checked and decoded as a reader does. */
import {
  BatchBuilder,
  checksumMatches,
  decodeRecord,
  decodeWireBatch,
  encodeWireBatch,
  recordLength,
  recordProblem,
  stampRecord,
} from '../../src/record/index.ts'
import { textOf } from '../load/requests.ts'
import { type MicroCases, runIfMain } from '../support/micro.ts'

const COUNT = 1_000
const VALUE_BYTES = 100
const values = Array.from({ length: COUNT }, (_, seed) => textOf(VALUE_BYTES, seed))
const buffers = values.map((value) => Buffer.from(value))
const CAPACITY = COUNT * (VALUE_BYTES * 3 + 32)

const encode = (all: readonly (string | Buffer)[]): Buffer => {
  const builder = new BatchBuilder(CAPACITY)
  for (const value of all) builder.add({ value })
  return builder.take().bytes
}

const bytes = encode(values)
const wire = encodeWireBatch({ bytes, count: COUNT })

function stamp(): void {
  const stampOf = { offset: 0, timestampMs: 1_700_000_000_000, more: true }
  for (let at = 0; at < bytes.length; ) {
    const length = recordLength(bytes, at)
    stampRecord(bytes, at, length, stampOf)
    stampOf.offset += 1
    at += length
  }
}

function check(): number {
  let good = 0
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    if (recordProblem(bytes, at, bytes.length) === undefined && checksumMatches(bytes, at))
      good += 1
  }
  return good
}

function decode(): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    sum += decodeRecord(bytes, at).offset
  }
  return sum
}

function walk(): number {
  let count = 0
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) count += 1
  return count
}

stamp()

export const cases: MicroCases = {
  '1000 × 100 B: encode strings': () => encode(values),
  '1000 × 100 B: encode buffers': () => encode(buffers),
  '1000 × 100 B: stamp in place': stamp,
  '1000 × 100 B: check form and checksum': check,
  '1000 × 100 B: decode': decode,
  '1000 × 100 B: walk by length': walk,
  '1000 × 100 B: check a raw batch': () => decodeWireBatch(wire),
}
await runIfMain(import.meta.url, 'record', cases)
