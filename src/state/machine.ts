/**
 * Decide → apply → append: everything the broker remembers besides records is a state machine replayed
 * from a journal of its own.
 */
import { BrokerError } from '../kernel/errors.ts'

export interface Decision<Event, Reply> {
  /** In order; empty where nothing changes. */
  readonly events: readonly Event[]
  readonly reply: Reply
}

export interface StateMachine<Command, Event, Reply, Snapshot = unknown> {
  /** Reads state, changes nothing; may refuse by throwing a BrokerError. Time enters here and travels in the events. */
  decide(command: Command, nowMs: number): Decision<Event, Reply>
  /** Changes state: synchronous, deterministic, total. No clock, no I/O, no throw. Also the replay path. */
  apply(event: Event): void
  /**
   * The whole state, from which restore() makes an equal machine. Its encoding begins in the same turn: it may share
   * structure.
   */
  snapshot(): Snapshot
  /** Replaces the state; called once, before any event is applied, and not at all where there is no snapshot. */
  restore(snapshot: Snapshot): void
}

/**
 * How events and snapshots become bytes. JSON where nothing is in a hurry, binary where it is.
 *
 * Encoded bytes belong to the runner from then on (no scratch buffer that is used again). Bytes to decode are a
 * view that is gone after the call: what is kept of them is copied. Decoding throws where it meets an event or a
 * snapshot that it does not know; the machine then refuses to start.
 */
export interface StateCodec<Event, Snapshot> {
  encodeEvent(event: Event): Uint8Array
  decodeEvent(bytes: Buffer): Event
  encodeSnapshot(snapshot: Snapshot): SnapshotPieces
  decodeSnapshot(bytes: Buffer): Snapshot
}

/**
 * The encoding of a state as it was when this was made, whatever is applied meanwhile. Each piece is taken in a turn of
 * its own, so one should not take longer than others can wait: about a millisecond.
 */
export interface SnapshotPieces {
  /** Undefined behind the last. */
  next(): Uint8Array | undefined
  /** To be called once, also where not all was taken. */
  close(): void
}

/** All of it in one. */
function onePiece(bytes: Uint8Array): SnapshotPieces {
  let left: Uint8Array | undefined = bytes
  return {
    next: () => {
      const piece = left
      left = undefined
      return piece
    },
    close: () => undefined,
  }
}

export const jsonCodec = <Event, Snapshot>(): StateCodec<Event, Snapshot> => ({
  encodeEvent: (event) => Buffer.from(JSON.stringify(event)),
  decodeEvent: (bytes) => JSON.parse(bytes.toString()) as Event,
  encodeSnapshot: (snapshot) => onePiece(Buffer.from(JSON.stringify(snapshot))),
  decodeSnapshot: (bytes) => JSON.parse(bytes.toString()) as Snapshot,
})

/**
 * As {@link jsonCodec}; events of other types and snapshots of another version are refused with FORMAT_TOO_NEW, never
 * skipped: their checksums are right, so a newer broker wrote them.
 */
export function strictJsonCodec<
  Event extends { readonly type: string },
  Snapshot extends { readonly version: number },
>(
  types: Readonly<Record<Event['type'], true>>,
  version: Snapshot['version'],
): StateCodec<Event, Snapshot> {
  const json = jsonCodec<Event, Snapshot>()
  return {
    ...json,
    decodeEvent(bytes) {
      const event = json.decodeEvent(bytes)
      if (Object.hasOwn(types, event.type)) return event
      throw new BrokerError('FORMAT_TOO_NEW', `unknown event ${event.type}`)
    },
    decodeSnapshot(bytes) {
      const snapshot = json.decodeSnapshot(bytes)
      if (snapshot.version === version) return snapshot
      throw new BrokerError('FORMAT_TOO_NEW', `unknown snapshot version ${snapshot.version}`)
    },
  }
}
