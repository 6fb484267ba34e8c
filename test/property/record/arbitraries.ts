/** Records of every kind, for fast-check. */
import fc from 'fast-check'
import type { Extension, RecordInput } from '../../../src/record/index.ts'
import { baseSeed } from '../../support/random.ts'

/** Of every property run: repeatable, and longer where GOQUEUE_RUNS asks for it. */
export const runs = (numRuns: number): { seed: number; numRuns: number } => ({
  seed: baseSeed(),
  numRuns: Math.max(numRuns, Number(process.env['GOQUEUE_RUNS'] ?? 0)),
})

const safe = (min: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min, max: 1000 }),
    fc.constantFrom(min, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
    fc.maxSafeNat().map((value) => Math.max(min, value)),
  )
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
/** Any text without lone surrogates, which UTF-8 cannot hold. */
const text = fc.string({ unit: 'binary', maxLength: 40 })

const headers = fc
  .array(fc.tuple(fc.oneof(text, fc.constant('__proto__')), text), { minLength: 1, maxLength: 8 })
  .map((entries) => Object.fromEntries(entries))
const producer = fc.record({ producerId: safe(1), epoch: u16, sequence: u32 })
const origin = fc.record({ partition: u32, offset: safe(0), dueMs: safe(0) })

/** At least one section. */
export const extension: fc.Arbitrary<Extension> = fc
  .record({ headers, producer, origin }, { requiredKeys: [] })
  .filter((sections) => Object.keys(sections).length > 0)

const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array))

export const recordInput: fc.Arbitrary<RecordInput> = fc.record(
  {
    key: fc.oneof(text, bytes),
    value: fc.oneof(fc.constant(null), text, bytes),
    priority: fc.constantFrom(0, 1, 2, 3, 4),
    extension,
    control: fc.boolean(),
  },
  { requiredKeys: ['value'] },
)

export const recordInputs = fc.array(recordInput, { minLength: 1, maxLength: 8 })

/** What a producer may send: no record of the broker's own. */
export const sentInputs = fc.array(
  recordInput.map((input): RecordInput => ({ ...input, control: false })),
  { minLength: 1, maxLength: 6 },
)

export const wireProducer = fc.record({ producerId: safe(1), epoch: u16, baseSequence: u32 })
export const stampBase = fc.record({ offset: safe(0), timestampMs: safe(0) }).map((base) => ({
  offset: Math.min(base.offset, Number.MAX_SAFE_INTEGER - 100),
  timestampMs: base.timestampMs,
}))
