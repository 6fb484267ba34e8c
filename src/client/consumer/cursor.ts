/**
 * Where a consumer is in one partition.
 *
 *   processed <= delivered <= fetched
 *
 *   processed   what is below is done with: this is what is committed
 *   delivered   what is below was handed out
 *   fetched     what is below was asked for and came
 *
 * Whatever makes bytes that came worthless (a seek, a pause, the partition being taken away) starts a new version:
 * chunks of an older one are dropped when their turn comes.
 */
export class PartitionCursor {
  readonly topic: string
  readonly partition: number
  processed: number
  delivered: number
  fetched: number
  /** The next offset to be written, as the broker last said; -1 while it has not. */
  highWatermark = -1
  /** What the group knows to be processed; -1 where nothing was committed. */
  committed = -1
  version = 0
  isPaused = false
  /** Not read yet: somebody is told of it first. */
  isStarting = false
  /** A handler is at work on it. */
  isBusy = false
  /** Reads of it failed so often in a row; it is not read before retryAtMs (monotonic). */
  failures = 0
  retryAtMs = 0
  readonly #gone = new AbortController()
  #idle: (() => void)[] = []

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic
    this.partition = partition
    this.processed = offset
    this.delivered = offset
    this.fetched = offset
  }

  /** What handlers are given: aborted when the partition is no longer this consumer's. */
  readonly context: { readonly signal: AbortSignal } = { signal: this.#gone.signal }

  get isGone(): boolean {
    return this.#gone.signal.aborted
  }

  /** Goes on from `offset`, wherever it was. */
  moveTo(offset: number): void {
    this.version += 1
    this.processed = offset
    this.delivered = offset
    this.fetched = offset
  }

  /** Drops what came and was not handed out. */
  rewind(): void {
    this.version += 1
    this.fetched = this.delivered
  }

  leave(): void {
    this.version += 1
    this.#gone.abort()
  }

  /** The handler is done with what it was given. */
  release(): void {
    this.isBusy = false
    const waiting = this.#idle
    this.#idle = []
    for (const tell of waiting) tell()
  }

  /** Resolves when no handler is at work on it. */
  idle(): Promise<void> {
    if (!this.isBusy) return Promise.resolve()
    return new Promise((resolve) => void this.#idle.push(resolve))
  }
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Cursors by topic and partition. */
export class Cursors {
  readonly #byName = new Map<string, PartitionCursor>()

  all(): PartitionCursor[] {
    return [...this.#byName.values()]
  }

  get size(): number {
    return this.#byName.size
  }

  get({ topic, partition }: TopicPartition): PartitionCursor | undefined {
    return this.#byName.get(nameOf(topic, partition))
  }

  add(cursor: PartitionCursor): void {
    this.#byName.set(nameOf(cursor.topic, cursor.partition), cursor)
  }

  remove({ topic, partition }: TopicPartition): void {
    this.#byName.delete(nameOf(topic, partition))
  }
}

const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`
