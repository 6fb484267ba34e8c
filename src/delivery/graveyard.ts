/**
 * Takes dying records to the dead letters: appended to `<topic>.dlq` on the disk first, settled then.
 *
 * A window's records go one behind the other, each as a batch of the window's own producer with its place in the line as
 * the sequence: what a crash left appended and not settled is found by the log itself when it is appended again. A few
 * are under way at once, no more than the log remembers of a producer; but the first of an epoch goes alone, since an
 * epoch may begin anywhere: the second, taken before it, would be appended once more in the next one.
 */
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import type { Platform, Timer } from '../kernel/platform.ts'
import { offset, SECOND_MS } from '../kernel/units.ts'
import type { Partition, Topic, Topics } from '../topics/index.ts'
import { deadLetterBatch } from './deadLetter.ts'
import { deadLetterTopicOf } from './deadLetterTopic.ts'
import type { Ledger } from './ledger.ts'
import type { RunView } from './machine/run.ts'
import type { Window } from './machine/window.ts'
import { redriveMarkOf } from './redriveMark.ts'

export interface GraveyardOptions {
  readonly ledger: Ledger
  readonly topics: Topics
  readonly platform: Platform
  readonly onRoom: (group: string) => void
  /** A record that a redrive had brought back is a dead letter again. */
  readonly onDiedAgain: (task: string) => void
}

/** Appends of one window under way at once; the log knows five of each producer. */
const DEPTH = 4
const RETRY_MS = 1 * SECOND_MS

interface Epoch {
  readonly number: number
  /** The log has taken a letter of it. */
  hasBegun: boolean
}

/** Whoever asks for dead letters waits no longer for those that are on their way. */
const BURIAL_WAIT_MS = 1 * SECOND_MS

export class Graveyard {
  readonly #options: GraveyardOptions
  /** Windows that are being seen to, and how that ends. */
  readonly #digging = new Map<Window, Promise<void>>()
  readonly #epochs = new WeakMap<Window, Epoch>()
  readonly #creating = new Map<string, Promise<Topic>>()
  readonly #retries = new Set<Timer>()
  #isStopped = false

  constructor(options: GraveyardOptions) {
    this.#options = options
  }

  /** Sees to what is dying in the window, by itself. */
  dig(window: Window): void {
    if (this.#isStopped || this.#digging.has(window)) return
    const work = this.#digAll(window)
      .catch((error: unknown) => this.#failed(window, error))
      .finally(() => this.#digging.delete(window))
    this.#digging.set(window, work)
  }

  /** Resolves when what is dying at the moment is among the topic's dead letters, or after a second. */
  async buried(topic: string): Promise<void> {
    const letters = deadLetterTopicOf(topic)
    const works = [...this.#digging].filter(([{ topic }]) => deadLetterTopicOf(topic) === letters)
    if (works.length === 0) return
    const { clock } = this.#options.platform
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(BURIAL_WAIT_MS, resolve)
      void Promise.all(works.map(([, work]) => work)).then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Resolves when nothing is under way; what is still dying is seen to at the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#retries) timer.cancel()
    await Promise.all(this.#digging.values())
  }

  async #digAll(window: Window): Promise<void> {
    while (window.dying.length > 0 && !this.#isStopped) {
      // On the disk first: a letter must not be there whose place in the line a power cut has given to another one. And
      // with it what was buried before, so that no more letters are in doubt than the log remembers.
      await this.#options.ledger.committed('all')
      const epoch = this.#epochOf(window)
      const graves = nextOf(window, epoch.hasBegun ? DEPTH : 1)
      const topic = await this.#topicFor(window)
      const target = topic.partition(window.partition % topic.partitions.length)
      // All are read before the first is appended, so that none overtakes another.
      const records = await Promise.all(graves.map((grave) => this.#record(window, grave)))
      const buried = await Promise.allSettled(
        graves.map((grave, i) => this.#append({ window, grave, record: records[i], target })),
      )
      // In their order, up to the first that failed.
      const failed = buried.findIndex(({ status }) => status === 'rejected')
      const done = failed < 0 ? graves : graves.slice(0, failed)
      for (const { lane, offset: from } of done) {
        this.#options.ledger.execute({ kind: 'bury', window: window.id, lane, from, to: from + 1 })
      }
      await this.#options.ledger.committed()
      this.#options.onRoom(window.group.name)
      const failure = buried[failed]
      if (failure?.status !== 'rejected') continue
      if (!this.#takesNewEpoch(window, failure.reason)) throw failure.reason
    }
  }

  /** Undefined where retention was quicker: there is nothing left to keep. */
  async #record({ topic, partition }: Window, grave: Grave): Promise<Buffer | undefined> {
    const source = this.#options.topics.get(topic).partition(partition)
    if (grave.offset < source.offsets().start) return undefined
    const { bytes } = await source.read(offset(grave.offset), { maxBytes: 1, maxRecords: 1 })
    return bytes
  }

  async #append({ window, grave, record, target }: Burial): Promise<void> {
    if (record === undefined) return
    const sequence = grave.place % 2 ** 32
    const wallMs = (steadyMs: number): number => this.#options.ledger.clock.wallMs(steadyMs)
    const current = this.#epochOf(window)
    const epoch = current.number
    const batch = deadLetterBatch(record, { window, run: grave, sequence, epoch, wallMs })
    const producer = { producerId: window.producerId, epoch, baseSequence: sequence }
    const { isDuplicate } = await target.appendOnce(batch, 'all', producer)
    current.hasBegun = true
    const task = redriveMarkOf(record, 0)?.task
    if (task !== undefined && !isDuplicate) this.#options.onDiedAgain(task)
  }

  /** True where the log expected another place: some in between had nothing left to keep. A new epoch begins anywhere. */
  #takesNewEpoch(window: Window, error: unknown): boolean {
    if (!(error instanceof BrokerError)) return false
    if (error.code !== 'OUT_OF_ORDER_SEQUENCE' && error.code !== 'INVALID_PRODUCER_EPOCH')
      return false
    this.#epochs.set(window, { number: this.#epochOf(window).number + 1, hasBegun: false })
    return true
  }

  #epochOf(window: Window): Epoch {
    let epoch = this.#epochs.get(window)
    if (epoch === undefined) {
      epoch = { number: 0, hasBegun: false }
      this.#epochs.set(window, epoch)
    }
    return epoch
  }

  /** Made when it is first needed, with as many partitions; it keeps what it gets until somebody has dealt with it. */
  async #topicFor(window: Window): Promise<Topic> {
    const { topics } = this.#options
    const name = deadLetterTopicOf(window.topic)
    const known = topics.find(name)
    if (known !== undefined) return known
    let creating = this.#creating.get(name)
    if (creating === undefined) {
      creating = this.#create(name, topics.get(window.topic).partitions.length)
      this.#creating.set(name, creating)
    }
    try {
      return await creating
    } finally {
      this.#creating.delete(name)
    }
  }

  async #create(name: string, partitions: number): Promise<Topic> {
    const { topics } = this.#options
    const config = { retentionMs: null, recordBytesMax: LIMITS.recordBytesMax }
    try {
      return await topics.create({ name, partitions, config })
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'TOPIC_EXISTS') return topics.get(name)
      throw error
    }
  }

  #failed(window: Window, error: unknown): void {
    if (this.#isStopped || window.dying.length === 0) return
    const { platform } = this.#options
    const { topic, partition, group } = window
    platform.logger.error(
      { group: group.name, topic, partition, error },
      'dead letters not written; they are tried again',
    )
    const timer = platform.clock.setTimer(RETRY_MS, () => {
      this.#retries.delete(timer)
      this.dig(window)
    })
    this.#retries.add(timer)
  }
}

/** One record that is next. */
interface Grave extends Pick<RunView, 'lane' | 'deliveries' | 'trouble' | 'failures'> {
  readonly offset: number
  /** In the line of the dying. */
  readonly place: number
}

interface Burial {
  readonly window: Window
  readonly grave: Grave
  /** The record; undefined where it is gone. */
  readonly record: Buffer | undefined
  readonly target: Partition
}

function nextOf({ dying, table }: Window, max: number): Grave[] {
  const graves: Grave[] = []
  for (const run of dying) {
    const { size, dueMs, lane, deliveries, trouble, failures } = table.view(run)
    for (let i = 0; i < size; i += 1) {
      if (graves.length >= max) return graves
      const offset = table.offsetAt(run, i)
      graves.push({ offset, place: dueMs + i, lane, deliveries, trouble, failures })
    }
  }
  return graves
}
