/** The sparse index of a segment of 64 MiB: 16,384 entries, looked up and built. */
import {
  checkedFloorEntry,
  ENTRY_BYTES,
  floorEntry,
  INDEX_INTERVAL_BYTES,
  putEntry,
  validPrefix,
} from '../../src/log/segmented/indexEntries.ts'
import { type MicroCases, runIfMain } from '../support/micro.ts'
import { seededRandom } from '../support/random.ts'

const ENTRIES = 16_384
const RECORDS_PER_ENTRY = 31
const index = Buffer.alloc(ENTRIES * ENTRY_BYTES)
for (let i = 0; i < ENTRIES; i += 1) {
  putEntry(index, i * ENTRY_BYTES, i * RECORDS_PER_ENTRY, i * INDEX_INTERVAL_BYTES)
}
const random = seededRandom(1)
const wanted = Float64Array.from({ length: 1_024 }, () =>
  Math.floor(random() * ENTRIES * RECORDS_PER_ENTRY),
)
let turn = 0
const next = (): number => {
  turn = (turn + 1) % wanted.length
  return wanted[turn] ?? 0
}
const entry = Buffer.alloc(ENTRY_BYTES)

export const cases: MicroCases = {
  'floor of a random offset': () => floorEntry(index, next()),
  'floor of a random offset, entries checked': () => checkedFloorEntry(index, next()),
  'one entry encoded': () => putEntry(entry, 0, 1_000_000, 4_096),
  'all entries checked': () => validPrefix(index),
}
await runIfMain(import.meta.url, 'log/segmented/index', cases)
