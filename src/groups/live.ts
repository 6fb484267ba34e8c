/**
 * What this process knows of a group besides its journal: who is alive, whom to tell of a rebalance, where polls
 * go on. Nothing of it survives a restart, and nothing needs to.
 */
import type { Clock } from '../kernel/platform.ts'
import { Cursors } from './cursors.ts'
import type { Group } from './group.ts'
import { RebalanceNotice } from './notice.ts'
import { Sessions } from './sessions.ts'

export class LiveGroup {
  readonly sessions: Sessions
  readonly notice: RebalanceNotice
  readonly cursors = new Cursors()
  #generation = 0

  constructor(clock: Clock, onSilent: (memberIds: readonly string[]) => void) {
    this.sessions = new Sessions(clock, onSilent)
    this.notice = new RebalanceNotice(clock, () => ({
      members: this.sessions.size,
      away: this.sessions.away,
    }))
  }

  /** Catches up with the journal; returns whether the generation is another one. */
  follow(group: Group): boolean {
    if (group.generation === this.#generation) return false
    for (const memberId of this.sessions.keys()) {
      if (!group.members.has(memberId)) this.sessions.remove(memberId)
    }
    this.#generation = group.generation
    this.sessions.renew(group.generation)
    this.cursors.prune(group)
    if (group.members.size > 0) this.notice.changed()
    else this.notice.flush()
    return true
  }

  close(): void {
    this.sessions.close()
    this.notice.flush()
  }
}
