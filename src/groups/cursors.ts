/**
 * Where the polls of a group go on: a position per member and partition, begun at the floor, in memory only.
 *
 * A member's position lives as long as it holds the partition without a break and does not join again: whoever joins
 * may have lost what it was handed. Where the partitions are shared there is one position for all members, so that
 * a record is handed to one of them.
 */
import type { Floor } from './events.ts'
import type { Group } from './group.ts'

export interface Cursor {
  readonly topic: string
  readonly partition: number
  /** The next offset to be handed out. */
  position: number
}

export interface PutBack {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
}

const EVERYBODY = ''

export class Cursors {
  readonly #byHolder = new Map<string, Map<string, Cursor>>()
  readonly #listeners = new Set<() => void>()

  get(group: Group, memberId: string, topic: string, partition: number): Cursor | undefined {
    return this.#byHolder.get(holder(group, memberId))?.get(key(topic, partition))
  }

  put(group: Group, memberId: string, cursor: Cursor): Cursor {
    const id = holder(group, memberId)
    let cursors = this.#byHolder.get(id)
    if (cursors === undefined) {
      cursors = new Map()
      this.#byHolder.set(id, cursors)
    }
    cursors.set(key(cursor.topic, cursor.partition), cursor)
    return cursor
  }

  /** Hands out again from `to` on, unless more was handed out since `from`. Polls that wait look again. */
  putBack(group: Group, memberId: string, place: PutBack): void {
    const cursor = this.get(group, memberId, place.topic, place.partition)
    if (cursor?.position !== place.from || place.to >= place.from) return
    cursor.position = place.to
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls `listener` when a position went back; returns how to stop listening. */
  onPutBack(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** What was committed is not handed out any more. */
  raise(group: Group, memberId: string, { topic, partition, offset }: Floor): void {
    const cursor = this.get(group, memberId, topic, partition)
    if (cursor !== undefined && cursor.position < offset) cursor.position = offset
  }

  /** A member's own; none where they are shared. */
  of(memberId: string): Iterable<Cursor> {
    return this.#byHolder.get(memberId)?.values() ?? []
  }

  /** The member joins: it goes on from the floors. */
  forgetMember(memberId: string): void {
    this.#byHolder.delete(memberId)
  }

  forgetTopic(topic: string): void {
    for (const cursors of this.#byHolder.values()) {
      for (const [id, cursor] of cursors) if (cursor.topic === topic) cursors.delete(id)
    }
  }

  /** Drops what its holder does not hold any more. */
  prune(group: Group): void {
    for (const [memberId, cursors] of this.#byHolder) {
      for (const [id, { topic, partition }] of cursors) {
        const held =
          memberId === EVERYBODY
            ? group.assignment === 'shared' && group.holderOf(topic, partition) !== undefined
            : group.assignment === 'range' && group.isAssigned(memberId, topic, partition)
        if (!held) cursors.delete(id)
      }
      if (cursors.size === 0) this.#byHolder.delete(memberId)
    }
  }
}

const holder = (group: Group, memberId: string): string =>
  group.assignment === 'shared' ? EVERYBODY : memberId

const key = (topic: string, partition: number): string => `${topic}/${partition}`
