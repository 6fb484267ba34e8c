import type {
  Floor,
  GroupCommand,
  GroupEvent,
  GroupReply,
  TopicFact,
} from '../../../src/groups/events.ts'
import { GroupsMachine } from '../../../src/groups/machine.ts'

type Join = Extract<GroupCommand, { kind: 'join' }>

interface JoinOptions extends Partial<Pick<Join, 'mode' | 'assignment'>> {
  readonly group?: string
  readonly sessionTimeoutMs?: number
}

/** A machine, the catalogue it is told of, and everything it would have written. */
export class MachineDriver {
  readonly machine = new GroupsMachine()
  readonly journal: GroupEvent[] = []
  readonly catalogue = new Map<string, TopicFact>()
  nowMs = 1_000_000
  #lastTopicId = 0

  submit(command: GroupCommand): GroupReply {
    const { events, reply } = this.machine.decide(command, this.nowMs)
    for (const event of events) {
      this.machine.apply(event)
      this.journal.push(event)
    }
    return reply
  }

  fact(name: string): TopicFact {
    return this.catalogue.get(name) ?? { name, id: 0, partitions: 0 }
  }

  createTopic(name: string, partitions: number): void {
    this.#lastTopicId += 1
    this.#change({ name, id: this.#lastTopicId, partitions })
  }

  deleteTopic(name: string): void {
    this.#change({ name, id: 0, partitions: 0 })
  }

  #change(fact: TopicFact): void {
    this.catalogue.set(fact.name, fact)
    this.submit({ kind: 'topicChanged', fact })
  }

  join(memberId: string, topics: readonly string[], options: JoinOptions = {}): number {
    const { group = 'g', sessionTimeoutMs = 30_000, mode, assignment } = options
    const sorted = [...new Set(topics)].sort()
    this.submit({
      kind: 'join',
      group,
      member: {
        memberId,
        clientId: 'c',
        topics: sorted,
        sessionTimeoutMs,
        offsetReset: 'earliest',
      },
      mode,
      assignment,
      facts: sorted.map((name) => this.fact(name)),
    })
    return this.machine.group(group).generation
  }

  leave(memberId: string, group = 'g'): void {
    this.submit({ kind: 'leave', group, memberId })
  }

  commit(memberId: string, floor: Floor, generation?: number): GroupReply {
    return this.submit({ kind: 'commit', group: 'g', memberId, generation, floors: [floor] })
  }

  reset(topic: string, floors: readonly { partition: number; offset: number }[]): GroupReply {
    return this.submit({ kind: 'reset', group: 'g', fact: this.fact(topic), floors })
  }

  generation(group = 'g'): number {
    return this.machine.group(group).generation
  }

  /** Member to `["orders-0", …]`. */
  assigned(group = 'g'): Record<string, string[]> {
    return Object.fromEntries(
      [...this.machine.group(group).assigned()].map(([memberId, partitions]) => [
        memberId,
        [...partitions].flatMap(([topic, set]) => [...set].map((p) => `${topic}-${p}`)),
      ]),
    )
  }
}
