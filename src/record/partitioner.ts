/**
 * Which partition a record goes to; shared by broker and client, so that both agree.
 *
 *   explicit partition  >  key: murmur3 x86 32 of its bytes, seed 0, sign bit cleared, modulo the count  >  sticky
 *
 * Sticky: records without a key stay together for a batch, and each batch goes to the partition that has got
 * the fewest records so far. The spread is even, yet a batch is one append to one log.
 */
import murmur from 'murmurhash3js-revisited'
import type { RecordBatch } from './batch.ts'
import { AT_FLAGS, AT_KEY_LENGTH, FLAG, HEADER_BYTES, recordLength, u16, u32 } from './layout.ts'

murmur.inputValidation = false

const SIGN_BIT_CLEARED = 0x7fff_ffff
const ASCII_MAX = 0x7f

/** Short keys are copied into a view of their own length: hashing one allocates nothing. */
const VIEW_BYTES_MAX = 128
const scratch = new Uint8Array(VIEW_BYTES_MAX)
const views = Array.from({ length: VIEW_BYTES_MAX + 1 }, (_, n) => scratch.subarray(0, n))

/** murmur3 x86 32-bit (seed 0) of a key; of a string its UTF-8 bytes. Unsigned. */
export function keyHash(key: string | Uint8Array): number {
  if (typeof key !== 'string') return murmur.x86.hash32(key)
  const view = views[key.length]
  if (view === undefined) return murmur.x86.hash32(Buffer.from(key))
  for (let i = 0; i < key.length; i += 1) {
    const unit = key.charCodeAt(i)
    if (unit > ASCII_MAX) return murmur.x86.hash32(Buffer.from(key))
    view[i] = unit
  }
  return murmur.x86.hash32(view)
}

/** The partition, of `partitions`, that a key belongs to. */
export const keyPartition = (key: string | Uint8Array, partitions: number): number =>
  (keyHash(key) & SIGN_BIT_CLEARED) % partitions

function bytesPartition(bytes: Buffer, start: number, end: number, partitions: number): number {
  const view = views[end - start]
  if (view === undefined) return keyPartition(bytes.subarray(start, end), partitions)
  for (let i = start; i < end; i += 1) view[i - start] = bytes[i] as number
  return (murmur.x86.hash32(view) & SIGN_BIT_CLEARED) % partitions
}

const everyPartition = (): boolean => true

export class StickyPartitioner {
  readonly #placed: Float64Array
  #current: number

  /** `first`: where the first batch goes; a random one keeps many producers from starting at the same. */
  constructor(partitions: number, first = 0) {
    this.#placed = new Float64Array(partitions)
    this.#current = first % partitions
  }

  /** Where records of the batch that is now gathering go. */
  get current(): number {
    return this.#current
  }

  /** Notes that `records` went to the current partition. */
  place(records: number): void {
    this.#placed[this.#current] = (this.#placed[this.#current] as number) + records
  }

  /**
   * The batch is over: on to the partition with the fewest records, of equal ones the next in turn. Those that
   * are not usable are passed over; where none is, the current one stays.
   */
  rotate(isUsable: (partition: number) => boolean = everyPartition): void {
    const placed = this.#placed
    const count = placed.length
    let best = this.#current
    let fewest = Number.POSITIVE_INFINITY
    for (let i = 1; i <= count; i += 1) {
      const candidate = (this.#current + i) % count
      const records = placed[candidate] as number
      if (records >= fewest || !isUsable(candidate)) continue
      best = candidate
      fewest = records
    }
    this.#current = best
  }
}

/** True where a record of the batch has a key. */
export function hasKeys({ bytes }: RecordBatch): boolean {
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    if (u16(bytes, at + AT_KEY_LENGTH) > 0) return true
  }
  return false
}

export interface PartitionedRun {
  readonly partition: number
  readonly batch: RecordBatch
}

export interface SplitBatch {
  /** One per partition that got a record, by first appearance. */
  readonly runs: readonly PartitionedRun[]
  /** For each record the index of its run. */
  readonly runOfRecord: Uint32Array
}

/** Copies the records of a batch into one batch per partition, by key; those without one go to `keyless`. */
export function splitByKey(batch: RecordBatch, partitions: number, keyless: number): SplitBatch {
  const { bytes, count } = batch
  const runOfRecord = new Uint32Array(count)
  const runOfPartition = new Int32Array(partitions).fill(-1)
  const drafts: { partition: number; size: number; count: number }[] = []
  for (let at = 0, i = 0; i < count; i += 1) {
    const length = recordLength(bytes, at)
    const partition = partitionOf(bytes, at, partitions) ?? keyless
    let run = runOfPartition[partition] as number
    if (run < 0) {
      run = drafts.push({ partition, size: 0, count: 0 }) - 1
      runOfPartition[partition] = run
    }
    const draft = drafts[run] as { size: number; count: number }
    draft.size += length
    draft.count += 1
    runOfRecord[i] = run
    at += length
  }
  const targets = drafts.map((draft) => Buffer.allocUnsafe(draft.size))
  copyRuns(bytes, runOfRecord, targets)
  const runs = drafts.map(({ partition, count: records }, run) => ({
    partition,
    batch: { bytes: targets[run] as Buffer, count: records },
  }))
  return { runs, runOfRecord }
}

function partitionOf(bytes: Buffer, at: number, partitions: number): number | undefined {
  const keyLength = u16(bytes, at + AT_KEY_LENGTH)
  if (keyLength === 0) return undefined
  const body = at + HEADER_BYTES
  const isExtended = ((bytes[at + AT_FLAGS] as number) & FLAG.EXTENSION) !== 0
  const start = isExtended ? body + 4 + u32(bytes, body) : body
  return bytesPartition(bytes, start, start + keyLength, partitions)
}

function copyRuns(bytes: Buffer, runOfRecord: Uint32Array, targets: readonly Buffer[]): void {
  const filled = new Uint32Array(targets.length)
  let at = 0
  for (const run of runOfRecord) {
    const end = at + recordLength(bytes, at)
    const from = filled[run] as number
    bytes.copy(targets[run] as Buffer, from, at, end)
    filled[run] = from + end - at
    at = end
  }
}
