/** The simplest machine that notices an event lost, doubled, torn off its command or out of order: it keeps them all. */
import { BrokerError } from '../../src/kernel/errors.ts'
import { jsonCodec, type StateCodec, type StateMachine } from '../../src/state/index.ts'

/** Adds `parts` items named `<id>.<part>`; a negative number of parts is refused. */
export interface AddCommand {
  readonly id: number
  readonly parts: number
}

export interface AddedEvent {
  readonly item: string
  readonly atMs: number
}

export class ListMachine implements StateMachine<AddCommand, AddedEvent, number, AddedEvent[]> {
  items: AddedEvent[] = []
  restored = 0

  decide({ id, parts }: AddCommand, nowMs: number) {
    if (parts < 0) throw new BrokerError('INVALID_REQUEST', 'a negative number of parts')
    const events = Array.from({ length: parts }, (_, part) => ({
      item: `${id}.${part}`,
      atMs: nowMs,
    }))
    return { events, reply: this.items.length + parts }
  }

  apply(event: AddedEvent): void {
    this.items.push(event)
  }

  snapshot(): AddedEvent[] {
    return this.items
  }

  restore(snapshot: AddedEvent[]): void {
    this.restored += 1
    this.items = snapshot
  }

  names(): string[] {
    return this.items.map((event) => event.item)
  }
}

const PIECE_ITEMS = 3

/** Snapshots in pieces of a few items, so that much is added between them. `onPiece` is called with each. */
export const listCodecWith = (onPiece: () => void): StateCodec<AddedEvent, AddedEvent[]> => ({
  ...jsonCodec(),
  encodeSnapshot: (items) => {
    // Items are only ever added: the first so many are those of now.
    const pieces = piecesOf(items, items.length)
    return {
      next: () => {
        onPiece()
        const { value } = pieces.next()
        return value === undefined ? undefined : Buffer.from(value)
      },
      close: () => undefined,
    }
  },
})

/** Together they are the first `count` items as JSON. */
function* piecesOf(items: readonly AddedEvent[], count: number): Generator<string, undefined> {
  yield '['
  for (let at = 0; at < count; at += PIECE_ITEMS) {
    const piece = items
      .slice(at, Math.min(at + PIECE_ITEMS, count))
      .map((item) => JSON.stringify(item))
    yield `${at > 0 ? ',' : ''}${piece.join(',')}`
  }
  yield ']'
  return undefined
}

export const listCodec = listCodecWith(() => undefined)
