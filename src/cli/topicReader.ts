/**
 * Reads partitions of a topic from where each starts: first what is there, merged by time, then, if asked to
 * follow, what comes, as it comes.
 *
 * Within a partition the order is that of the log. Between partitions the merge takes the record with the earliest
 * timestamp first (of two, the lower partition), so that the same data always print in the same order.
 */
import { setTimeout } from 'node:timers/promises'
import type { DecodedRecord, ReadRecords, Records, RecordsReply } from '../client/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import { KiB, MiB } from '../kernel/units.ts'

export interface PartitionRange {
  readonly partition: number
  /** Where to begin. */
  readonly from: number
  /** What is there: the next offset to be written when reading began. */
  readonly until: number
}

export interface PlacedRecord {
  readonly partition: number
  readonly record: DecodedRecord
}

export interface TopicReaderOptions {
  readonly records: Pick<Records, 'read'>
  readonly topic: string
  readonly signal: AbortSignal
  /** Told when a broker that was followed is not there any more, and before each further try. */
  readonly onTrouble?: (error: BrokerError) => void
  /** Waits between two tries; default: the machine's timer. */
  readonly pause?: (delayMs: number, signal: AbortSignal) => Promise<void>
}

const BUFFERED_BYTES_MAX = 32 * MiB
const READ_BYTES_MAX = 1 * MiB
const READ_BYTES_MIN = 64 * KiB
const LONG_POLL_MS = 30_000

/** How much to ask of each partition at once, so that what is buffered of all stays bounded. */
const readBytesFor = (partitions: number): number =>
  Math.max(READ_BYTES_MIN, Math.min(READ_BYTES_MAX, Math.floor(BUFFERED_BYTES_MAX / partitions)))

/** What lies between `from` and `until` of each partition, merged by time, in groups. */
export async function* readMerged(
  options: TopicReaderOptions,
  ranges: readonly PartitionRange[],
): AsyncGenerator<readonly PlacedRecord[]> {
  const maxBytes = readBytesFor(ranges.length)
  const heads = ranges
    .filter(({ from, until }) => from < until)
    .map((range) => new RangeReader(options, range, maxBytes))
  let open = heads
  while (open.length > 0) {
    await Promise.all(open.map((head) => head.fill()))
    open = open.filter((head) => head.peek() !== undefined)
    const group = takeWhileAllHaveSome(open)
    if (group.length > 0) yield group
  }
}

/** Merges until one of the readers has to ask for more; one that is at its end counts no more. */
function takeWhileAllHaveSome(readers: readonly RangeReader[]): readonly PlacedRecord[] {
  const group: PlacedRecord[] = []
  while (readers.length > 0 && readers.every((reader) => reader.peek() !== undefined)) {
    const first = readers.reduce((best, reader) => (isEarlier(reader, best) ? reader : best))
    group.push(first.take())
  }
  return group
}

const isEarlier = (one: RangeReader, other: RangeReader): boolean =>
  (one.peek()?.timestampMs ?? 0) < (other.peek()?.timestampMs ?? 0)

/** One partition's part of the merge. */
class RangeReader {
  readonly #options: TopicReaderOptions
  readonly #range: PartitionRange
  readonly #maxBytes: number
  #buffer: readonly DecodedRecord[] = []
  #taken = 0
  #next: number

  constructor(options: TopicReaderOptions, range: PartitionRange, maxBytes: number) {
    this.#options = options
    this.#range = range
    this.#maxBytes = maxBytes
    this.#next = range.from
  }

  /** Resolves when there is a record to take, or none any more. */
  async fill(): Promise<void> {
    const { partition, until } = this.#range
    if (this.peek() !== undefined || this.#next >= until) return
    const { records, topic, signal } = this.#options
    const reply = await records.read({
      topic,
      partition,
      offset: this.#next,
      maxBytes: this.#maxBytes,
      signal,
    })
    this.#buffer = reply.records.filter(({ offset }) => offset < until)
    this.#taken = 0
    // An empty reply below `until` would be a broker that lost records: stop there rather than ask for ever.
    this.#next = reply.records.length === 0 ? until : reply.nextOffset
  }

  peek(): DecodedRecord | undefined {
    return this.#buffer[this.#taken]
  }

  take(): PlacedRecord {
    const record = this.#buffer[this.#taken] as DecodedRecord
    this.#taken += 1
    return { partition: this.#range.partition, record }
  }
}

/**
 * Calls `show` with what arrives behind `until` of each partition, one call at a time, until the signal aborts or
 * `show` says that it has enough. Each partition waits by a long poll of its own.
 */
export async function follow(
  options: TopicReaderOptions,
  ranges: readonly PartitionRange[],
  show: (arrived: readonly PlacedRecord[]) => Promise<'more' | 'enough'>,
): Promise<void> {
  const enough = new AbortController()
  const signal = AbortSignal.any([options.signal, enough.signal])
  let turn: Promise<void> = Promise.resolve()
  const inTurn = (arrived: readonly PlacedRecord[]): Promise<void> => {
    turn = turn.then(async () => {
      if (!enough.signal.aborted && (await show(arrived)) === 'enough') enough.abort()
    })
    return turn
  }
  const followOne = async ({ partition, from, until }: PartitionRange): Promise<void> => {
    let offset = Math.max(from, until)
    while (!enough.signal.aborted) {
      const reply = await readPatiently(options, {
        topic: options.topic,
        partition,
        offset,
        waitMs: LONG_POLL_MS,
        signal,
      })
      offset = reply.nextOffset
      if (reply.records.length === 0) continue
      await inTurn(reply.records.map((record) => ({ partition, record })))
    }
  }
  try {
    await Promise.all(ranges.map(followOne))
  } catch (error) {
    const isEnd = enough.signal.aborted && !options.signal.aborted
    enough.abort()
    if (!isEnd) throw error
  }
}

const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 5000

/** A read that outlives a restart of the broker: what may succeed later is tried again until it does. */
async function readPatiently(
  { records, onTrouble, pause = machinePause }: TopicReaderOptions,
  read: ReadRecords & { readonly signal: AbortSignal },
): Promise<RecordsReply> {
  for (let delayMs = RETRY_MS_MIN; ; delayMs = Math.min(delayMs * 2, RETRY_MS_MAX)) {
    try {
      return await records.read(read)
    } catch (error) {
      const isPassing = error instanceof BrokerError && error.retryable && !read.signal.aborted
      if (!isPassing) throw error
      onTrouble?.(error)
      await pause(delayMs, read.signal)
    }
  }
}

async function machinePause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(delayMs, undefined, { signal })
  } catch {
    throw new BrokerError('CANCELLED', 'the request was cancelled')
  }
}
