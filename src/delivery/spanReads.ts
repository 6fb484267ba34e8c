/** Reads what a poll was granted: the first of each span at once, so that five lanes are not five waits. */
import { KiB, MiB, offset } from '../kernel/units.ts'
import { type Grant, joinedGrants } from './grants.ts'
import { LentBlocks } from './lentBlocks.ts'
import type { Place } from './places.ts'
import { isSparse, SPARSE_MAX, type Span, spansOf } from './spans.ts'

export interface WantedSpan {
  readonly grant: Grant
  readonly span: Span
  /** What it begins with, where that is being read already. */
  readonly first?: Reading
}

export interface Reading {
  readonly result: ReturnType<Place['partition']['read']>
  /** What may be read into. */
  readonly block: Buffer | undefined
}

/** Of one read, where most of it is not wanted. */
const READ_BYTES_MAX = 8 * MiB
/** Records are seldom all of one size. */
const READ_MARGIN = 1.125
const READ_SLACK_BYTES = 1 * KiB
/** At once for one poll. */
const READS_MAX = 8

export class SpanReads {
  readonly #blocks = new LentBlocks()

  /** What is to be read, in the order of the reply; as much as is likely to be handed out is being read already. */
  begun(grants: readonly Grant[], maxBytes: number): readonly WantedSpan[] {
    const all = wantedOf(grants)
    if (all.length < 2) return all
    let left = Math.min(READ_BYTES_MAX, maxBytes * SPARSE_MAX)
    return all.map((wanted, i) => {
      const from = wanted.span.pieces[0]?.from ?? 0
      const likely = likelyBytes(wanted, from)
      if (i >= READS_MAX || likely > left) return wanted
      left -= likely
      const first = this.read(wanted, from, maxBytes)
      // Awaited in its turn, or not at all where the reply is full before.
      first.result.catch(() => undefined)
      return { first, ...wanted }
    })
  }

  read(wanted: WantedSpan, from: number, bytesLeft: number): Reading {
    const { grant, span } = wanted
    const most = Math.min(bytesLeft * span.sparsity, READ_BYTES_MAX)
    const maxBytes = Math.max(1, Math.ceil(Math.min(most, likelyBytes(wanted, from))))
    const block = isSparse(span) ? this.#blocks.lend(maxBytes) : undefined
    const limit = { maxBytes, maxRecords: span.to - from, into: block }
    return { result: grant.place.partition.read(offset(from), limit), block }
  }

  /** It has settled, and what is wanted of it was copied. */
  done({ block }: Reading): void {
    if (block !== undefined) this.#blocks.giveBack(block)
  }

  /** Nobody waits for it; its block is lent until it has settled. */
  abandoned(reading: Reading): void {
    const done = (): void => this.done(reading)
    reading.result.then(done, done)
  }
}

const wantedOf = (grants: readonly Grant[]): WantedSpan[] =>
  joinedGrants(grants).flatMap((grant) => spansOf(grant.pieces).map((span) => ({ grant, span })))

/** As far as is known of its records, with some room; what is missing in the end is read on its own. */
function likelyBytes({ grant, span }: WantedSpan, from: number): number {
  const { recordBytes } = grant.place
  if (recordBytes === 0) return READ_BYTES_MAX
  return recordBytes * (span.to - from) * READ_MARGIN + READ_SLACK_BYTES
}
