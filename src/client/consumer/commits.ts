/** What of the consumer's progress the group knows: one commit at a time, by hand or by the clock. */
import { BrokerError } from '../../kernel/errors.ts'
import type { Clock, Timer } from '../../kernel/platform.ts'
import type { Cursors } from './cursor.ts'
import type { Membership } from './membership.ts'
import type { Position } from './reading.ts'

export interface CommitsHost {
  readonly clock: Clock
  readonly cursors: Cursors
  readonly membership: Membership
  readonly autoCommitMs: number
  post(action: string, body: object): Promise<unknown>
  /** An automatic commit was refused. */
  commitFailed(error: BrokerError): void
}

const ATTEMPTS_MAX = 3
/** Refusals that a rebalance brings with it: whoever has the partition now goes on from what was committed. */
const OF_REBALANCES: ReadonlySet<string> = new Set([
  'STALE_GENERATION',
  'NOT_ASSIGNED',
  'UNKNOWN_MEMBER',
  'GROUP_NOT_FOUND',
])

export class Commits {
  readonly #host: CommitsHost
  #last: Promise<void> = Promise.resolve()
  #timer: Timer | undefined
  #isOver = false

  constructor(host: CommitsHost) {
    this.#host = host
  }

  get isAutomatic(): boolean {
    return this.#host.autoCommitMs > 0
  }

  /** Begins to commit by the clock. */
  start(): void {
    if (this.isAutomatic && !this.#isOver && this.#timer === undefined) this.#arm()
  }

  stop(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  /** What was processed and not committed yet. */
  due(): Position[] {
    return this.#host.cursors
      .all()
      .filter(({ processed, committed }) => processed > Math.max(committed, 0))
      .map(({ topic, partition, processed }) => ({ topic, partition, offset: processed }))
  }

  /** Resolves when the group has it. Rejects with NOT_ASSIGNED where a partition is not this member's any more. */
  commit(positions: readonly Position[]): Promise<void> {
    const done = this.#last.then(() => this.#commit(positions))
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Commits what is due; what a rebalance makes of it is no error. Never rejects. */
  async automatic(): Promise<void> {
    if (!this.isAutomatic) return
    let attempts = 1
    while (!(await this.#attemptDue()) && attempts < ATTEMPTS_MAX) attempts += 1
  }

  /** False where a partition was lost meanwhile: what is due without it may be tried again. */
  async #attemptDue(): Promise<boolean> {
    try {
      await this.commit(this.due())
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      if (!OF_REBALANCES.has(error.code)) this.#host.commitFailed(error)
      return error.code !== 'NOT_ASSIGNED'
    }
    return true
  }

  async #commit(positions: readonly Position[]): Promise<void> {
    if (positions.length === 0) return
    let attempts = 1
    while (!(await this.#attempt(positions, attempts === ATTEMPTS_MAX))) attempts += 1
    for (const position of positions) {
      const cursor = this.#host.cursors.get(position)
      if (cursor !== undefined) cursor.committed = Math.max(cursor.committed, position.offset)
    }
  }

  /** False where a rebalance came in between and it may be tried again. */
  async #attempt(positions: readonly Position[], isLast: boolean): Promise<boolean> {
    const { membership, cursors } = this.#host
    await membership.stable()
    const lost = positions.find((position) => cursors.get(position) === undefined)
    if (lost !== undefined) {
      const name = `${lost.topic}-${lost.partition}`
      throw new BrokerError('NOT_ASSIGNED', `${name} is not assigned to this member`)
    }
    const { memberId, generation } = membership
    try {
      const offsets = byTopic(positions)
      await this.#host.post('offsets', { member_id: memberId, generation, offsets })
      return true
    } catch (error) {
      if (!membership.handles(error, generation) || isLast) throw error
      return false
    }
  }

  #arm(): void {
    const { clock, autoCommitMs } = this.#host
    this.#timer = clock.setTimer(autoCommitMs, () => void this.#tick())
  }

  async #tick(): Promise<void> {
    await this.automatic()
    if (!this.#isOver) this.#arm()
  }
}

function byTopic(positions: readonly Position[]): Record<string, Record<string, number>> {
  const topics: Record<string, Record<string, number>> = {}
  for (const { topic, partition, offset } of positions) {
    topics[topic] = { ...topics[topic], [partition]: offset }
  }
  return topics
}
