/**
 * Runs one state machine: replays it at the start, then takes commands, journals what they changed and
 * writes snapshots, so that the journal stays short.
 *
 *   state/<name>/journal     the events, one record each
 *   state/<name>/snapshot    the state, and the journal offset up to which it holds
 *
 * A snapshot is of one moment and is encoded turn by turn, while commands go on: what they change is in the journal
 * behind that offset. The one before it stays until the new one is on the disk.
 *
 * Decide, apply and the queueing of the events are one synchronous step. While the disk is full what was decided
 * waits to be written and new commands are refused. An append or a sync that failed otherwise stops the machine for
 * good (until the next start): memory is then ahead of the disk and nothing may be decided on it any more.
 */
import { BrokerError } from '../kernel/errors.ts'
import { failpoint } from '../kernel/failpoint.ts'
import type { HealthCheck } from '../kernel/health.ts'
import type { Platform } from '../kernel/platform.ts'
import { Service } from '../kernel/service.ts'
import { MiB, offset } from '../kernel/units.ts'
import type { LogEngine, PartitionLog } from '../log/index.ts'
import { type CommitAcks, checkEvents, Journal } from './journal.ts'
import type { StateCodec, StateMachine } from './machine.ts'
import { type Replayed, replay } from './replay.ts'
import { encodeSnapshotFile } from './snapshot.ts'

export interface StateRunnerOptions<Command, Event, Reply, Snapshot> {
  /** A plain name, unique in the engine; it names the directory. */
  readonly name: string
  readonly machine: StateMachine<Command, Event, Reply, Snapshot>
  readonly codec: StateCodec<Event, Snapshot>
  readonly engine: LogEngine
  readonly platform: Platform
  /** What a reply waits for where the call does not say. Default `all`. */
  readonly acks?: CommitAcks
  /**
   * Journal bytes after which a snapshot is written, default 4 MiB; where the last snapshot was larger than that,
   * its size, so that snapshots never cost more than the journal does.
   */
  readonly snapshotBytes?: number
  /** Bytes of events that may wait to be written, default 16 MiB; beyond it commands get BROKER_OVERLOADED. */
  readonly pendingBytesMax?: number
}

/** What became of one command of many. */
export type Outcome<Reply> =
  | { readonly ok: true; readonly reply: Reply }
  | { readonly ok: false; readonly error: BrokerError }

const DEFAULT_SNAPSHOT_BYTES = 4 * MiB
const DEFAULT_PENDING_BYTES_MAX = 16 * MiB
const RETRY_AFTER_MS = 100
const nextTurn = (): Promise<void> => new Promise(setImmediate)

export class StateRunner<Command, Event, Reply, Snapshot> extends Service {
  readonly name: string
  readonly #options: StateRunnerOptions<Command, Event, Reply, Snapshot>
  readonly #machine: StateMachine<Command, Event, Reply, Snapshot>
  readonly #codec: StateCodec<Event, Snapshot>
  readonly #acks: CommitAcks
  readonly #snapshotBytesMin: number
  readonly #pendingBytesMax: number
  #log: PartitionLog | undefined
  #journal: Journal | undefined
  #stopped = false
  #snapshotting: Promise<boolean> | undefined
  #snapshotBytes = 0
  /** Journal bytes that the last snapshot does not hold are `addedBytes` above this mark. */
  #coveredBytes = 0

  constructor(options: StateRunnerOptions<Command, Event, Reply, Snapshot>) {
    super()
    this.name = options.name
    this.#options = options
    this.#machine = options.machine
    this.#codec = options.codec
    this.#acks = options.acks ?? 'all'
    this.#snapshotBytesMin = options.snapshotBytes ?? DEFAULT_SNAPSHOT_BYTES
    this.#pendingBytesMax = options.pendingBytesMax ?? DEFAULT_PENDING_BYTES_MAX
  }

  /**
   * Decides, applies and queues the events, all at once; nothing of it is durable before {@link committed}.
   *
   * For callers that take several commands in one step and wait once. Throws what `decide` refuses with (nothing
   * is changed then), BROKER_OVERLOADED, DISK_FULL or TOO_MANY_FILES while nothing can be written, and
   * STORAGE_ERROR once the machine has stopped.
   */
  execute(command: Command): Reply {
    const journal = this.#ready()
    const { events, reply } = this.#machine.decide(command, this.#options.platform.clock.nowMs())
    if (events.length === 0) return reply
    const encoded = events.map((event) => this.#codec.encodeEvent(event))
    checkEvents(this.name, encoded)
    try {
      for (const event of events) this.#machine.apply(event)
    } catch (cause) {
      journal.fail(cause)
      throw cause
    }
    journal.add(encoded)
    if (this.#snapshotting === undefined) this.#snapshotIfDue(journal)
    return reply
  }

  /**
   * Resolves when everything executed so far, by any caller, is as durable as `acks` asks. Also what a reply that
   * changed nothing waits for: it may rest on events that are still on their way to the disk.
   */
  committed(acks: CommitAcks = this.#acks): Promise<void> {
    return this.#journal?.committed(acks) ?? Promise.reject(this.#notRunning())
  }

  /** Executes one command; resolves with its reply when that is durable. Rejects as {@link execute} throws. */
  async submit(command: Command, acks: CommitAcks = this.#acks): Promise<Reply> {
    const reply = this.execute(command)
    await this.committed(acks)
    return reply
  }

  /** Executes commands one after the other, refused ones too, and waits once for all of them. */
  async submitMany(
    commands: readonly Command[],
    acks: CommitAcks = this.#acks,
  ): Promise<readonly Outcome<Reply>[]> {
    const outcomes = commands.map((command) => this.#outcomeOf(command))
    await this.committed(acks)
    return outcomes
  }

  /** Writes a snapshot now; resolves with false where one could not be written (the journal still holds all). */
  async snapshot(): Promise<boolean> {
    while (this.#snapshotting !== undefined) await this.#snapshotting
    this.#snapshotting = this.#writeSnapshot().finally(() => {
      this.#snapshotting = undefined
    })
    return await this.#snapshotting
  }

  health(): HealthCheck {
    const failure = this.#journal?.failure
    if (failure) return { name: this.name, status: 'fail', message: failure.message }
    const blocked = this.#journal?.blocked
    if (blocked) return { name: this.name, status: 'warn', message: blocked.message }
    if (this.#journal === undefined || this.#stopped) {
      return { name: this.name, status: 'fail', message: this.#notRunning().message }
    }
    return { name: this.name, status: 'pass', message: `${this.#journal.next} events` }
  }

  protected async onStart(): Promise<void> {
    const { engine, platform } = this.#options
    const startedAtMs = platform.clock.monotonicMs()
    this.#log = await engine.open(`state/${this.name}/journal`, {
      segmentBytes: this.#snapshotBytesMin,
      isGathered: true,
    })
    const replayed = await replay(this.#machine, {
      snapshotName: this.#snapshotName,
      blobs: engine.blobs,
      log: this.#log,
      codec: this.#codec,
    })
    this.#noteReplayed(replayed, platform.clock.monotonicMs() - startedAtMs)
    const journal = new Journal(this.name, this.#log, platform.clock)
    // What a crash of the process left in memory may still go with the machine: nothing is built on it before.
    await journal.committed('all')
    this.#journal = journal
  }

  protected async onStop(): Promise<void> {
    this.#stopped = true
    const journal = this.#journal
    // What waits for room was acknowledged to nobody: a stop does not wait for it.
    if (journal?.blocked) journal.fail(journal.blocked)
    if (journal && journal.failure === undefined) {
      await journal.committed('leader').catch(() => undefined)
      if (journal.addedBytes > this.#coveredBytes) await this.snapshot()
    }
    await this.#snapshotting
    await this.#log?.close()
  }

  get #snapshotName(): string {
    return `state/${this.name}/snapshot`
  }

  #ready(): Journal {
    const journal = this.#journal
    if (journal === undefined || this.#stopped) throw this.#notRunning()
    if (journal.failure) throw journal.failure
    if (journal.blocked) throw journal.blocked
    if (journal.pendingBytes > this.#pendingBytesMax) {
      throw new BrokerError('BROKER_OVERLOADED', `${this.name} has too much to write`, {
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    return journal
  }

  #notRunning(): BrokerError {
    return this.#stopped
      ? new BrokerError('SHUTTING_DOWN', `${this.name} was stopped`)
      : new BrokerError('RECOVERING', `${this.name} is not started`)
  }

  #outcomeOf(command: Command): Outcome<Reply> {
    try {
      return { ok: true, reply: this.execute(command) }
    } catch (error) {
      if (error instanceof BrokerError) return { ok: false, error }
      throw error
    }
  }

  #noteReplayed(replayed: Replayed, durationMs: number): void {
    this.#snapshotBytes = replayed.snapshotBytes
    this.#coveredBytes = -replayed.journalBytes
    this.#options.platform.logger.debug(
      { machine: this.name, ...replayed, durationMs },
      'state machine replayed',
    )
  }

  #snapshotIfDue(journal: Journal): void {
    const due = Math.max(this.#snapshotBytesMin, this.#snapshotBytes)
    if (journal.addedBytes - this.#coveredBytes < due) return
    // After this turn: a command should not wait for the encoding of the whole state.
    this.#snapshotting = new Promise(setImmediate)
      .then(() => this.#writeSnapshot())
      .finally(() => {
        this.#snapshotting = undefined
      })
  }

  /** The state as it is now, encoded turn by turn; what is applied meanwhile is in the journal behind the offset. */
  async #encode(journalOffset: number): Promise<Buffer> {
    const body = this.#codec.encodeSnapshot(this.#machine.snapshot())
    try {
      return await encodeSnapshotFile(journalOffset, body, nextTurn)
    } finally {
      body.close()
    }
  }

  async #writeSnapshot(): Promise<boolean> {
    const { platform, engine } = this.#options
    const [journal, log] = [this.#journal, this.#log]
    if (journal === undefined || log === undefined) throw this.#notRunning()
    const coveredBytes = journal.addedBytes
    try {
      if (journal.failure) throw journal.failure
      const journalOffset = journal.next
      const file = await this.#encode(journalOffset)
      // A snapshot must not hold events that a power loss could still take from the journal.
      await journal.committed('all')
      failpoint('snapshot.before-rename')
      await engine.blobs.put(this.#snapshotName, file)
      failpoint('snapshot.after-rename')
      this.#snapshotBytes = file.length
      await log.truncateBefore(offset(journalOffset))
      return true
    } catch (error) {
      platform.logger.warn({ machine: this.name, error }, 'snapshot not written')
      return false
    } finally {
      // Also after a failure: the next try comes a whole interval later, not with the next command.
      this.#coveredBytes = coveredBytes
    }
  }
}
