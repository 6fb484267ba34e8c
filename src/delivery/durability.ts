/**
 * How durable a hand-out, a word of a worker and a commit are before their reply: as the policy of the group, or of the
 * topic, asks. What is to survive the machine is worth nothing without the group itself: with `all` the journal of the
 * groups is on the disk as well, which costs nothing while no one joins or leaves.
 */

import type { Groups } from '../groups/index.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { CommitAcks } from '../state/index.ts'
import type { Ledger } from './ledger.ts'

export class Durability {
  readonly #ledger: Ledger
  readonly #groups: Groups

  constructor(ledger: Ledger, groups: Groups) {
    this.#ledger = ledger
    this.#groups = groups
  }

  /** What a reply to the group must wait for that speaks of these topics: the most that any of them asks for. */
  asked(group: string, topics: Iterable<string>): CommitAcks {
    for (const topic of topics) {
      if (this.#ledger.state.ackDurability(group, topic) === 'all') return 'all'
    }
    return 'leader'
  }

  /** Resolves when what was executed so far is as durable as `acks` asks. */
  reached(acks: CommitAcks): Promise<void> {
    return acks === 'leader' ? this.#ledger.committed() : this.#onDisk()
  }

  async #onDisk(): Promise<void> {
    const groups = this.#groups.committed('all').catch(unknown)
    await Promise.all([this.#ledger.committed('all'), groups])
  }
}

/** What was executed here holds although the journal of the groups has stopped: it must not read as refused. */
function unknown(cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause)
  throw new BrokerError('OUTCOME_UNKNOWN', `this holds if its group is on the disk: ${why}`, {
    cause,
  })
}
