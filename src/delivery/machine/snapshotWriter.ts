/**
 * The whole state as bytes, piece by piece: as it was when the writer was made, whatever is applied between the pieces.
 * A million runs are written in some hundred turns of the event loop, no copy of them is made on the way.
 *
 * The layout is in `snapshot.ts`.
 */
import { invariant } from '../../kernel/invariant.ts'
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import type { SnapshotPieces } from '../../state/index.ts'
import { ByteWriter } from './bytes.ts'
import { putCursors } from './cursorBytes.ts'
import { Frozen } from './frozen.ts'
import type { Members } from './members.ts'
import type { DeliveryPolicy } from './policy.ts'
import { CAUSES, type Lease, type RunView, type Trouble } from './run.ts'
import { LANE, LEASE, SCATTERED, TROUBLE, VERSION } from './snapshotFormat.ts'
import type { DeliveryState } from './state.ts'
import type { Window } from './window.ts'

/** Runs of one piece: about half a millisecond. */
const PIECE_RUNS = 2_048
/** What else is written counts as so many runs. */
const WINDOW_RUNS = 16
const GROUP_RUNS = 8

interface GroupThen {
  readonly name: string
  readonly epochMs: number
  readonly policy: Partial<DeliveryPolicy>
  readonly windows: readonly Window[]
}

export class SnapshotWriter implements SnapshotPieces {
  readonly #state: DeliveryState
  readonly #frozen: Frozen
  readonly #writer = new ByteWriter()
  readonly #steps: Generator<undefined, undefined>
  readonly #pieceRuns: number
  /** Runs that the piece under way may still have. */
  #room = 0
  #isDone = false

  /** One at a time of a state. `pieceRuns`: how many runs a piece has at most, from 1. */
  constructor(state: DeliveryState, pieceRuns = PIECE_RUNS) {
    invariant(state.frozen === undefined, 'two snapshots of deliveries at once')
    this.#state = state
    this.#pieceRuns = pieceRuns
    const groups = [...state.groups.values()].map((group): GroupThen => {
      const { name, epochMs, policy } = group
      return { name, epochMs, policy, windows: [...group.allWindows()] }
    })
    this.#frozen = new Frozen(groups.flatMap(({ windows }) => windows))
    state.frozen = this.#frozen
    this.#putHead(groups.length)
    this.#steps = this.#putGroups(groups)
  }

  next(): Uint8Array | undefined {
    if (this.#isDone) return undefined
    this.#room = this.#pieceRuns
    this.#isDone = this.#steps.next().done === true
    return this.#writer.take()
  }

  close(): void {
    this.#isDone = true
    if (this.#state.frozen === this.#frozen) this.#state.frozen = undefined
  }

  #putHead(groups: number): void {
    const [writer, state] = [this.#writer, this.#state]
    writer.u8(VERSION)
    writer.text(JSON.stringify(state.totals))
    writer.int(state.nextWindow)
    writer.int(state.lastMs)
    writer.text(JSON.stringify([...state.topicPolicies]))
    writer.int(groups)
  }

  *#putGroups(groups: readonly GroupThen[]): Generator<undefined, undefined> {
    const writer = this.#writer
    for (const { name, epochMs, policy, windows } of groups) {
      writer.text(name)
      writer.int(epochMs)
      writer.text(JSON.stringify(policy))
      writer.int(windows.length)
      this.#room -= GROUP_RUNS
      for (const window of windows) yield* this.#putWindow(window)
      if (this.#room <= 0) yield
    }
  }

  *#putWindow(window: Window): Generator<undefined, undefined> {
    const writer = this.#writer
    const { id, topic, topicId, partition, producerId } = window
    const then = this.#frozen.of(window)
    writer.text(topic)
    for (const each of [id, topicId, partition, producerId]) writer.int(each)
    for (const each of [then.cursor, then.deathsBegun]) writer.int(each)
    putCursors(writer, then.cursors)
    writer.ints(then.retired)
    writer.int(then.runCount)
    this.#room -= WINDOW_RUNS + then.retired.length
    const runs = new RunWriter(writer)
    let left = then.runCount
    while (left > 0) {
      if (this.#room <= 0) yield
      const taken = then.take(Math.min(left, this.#room), runs.put)
      invariant(taken > 0, `${left} runs are gone from a snapshot of ${topic}-${partition}`)
      left -= taken
      this.#room -= taken
    }
    this.#frozen.written(window)
    if (this.#room <= 0) yield
  }
}

/** The runs of one window, in order. What one has in common with the one before is said by a bit. */
class RunWriter {
  readonly #writer: ByteWriter
  /** A holder is a number, and at its first place its name too. */
  readonly #holders = new Map<string, number>()
  // Of the run before, which may change until the next one is written.
  #to = 0
  #lane = 0
  #lease: Lease | undefined
  #trouble: Trouble | undefined

  constructor(writer: ByteWriter) {
    this.#writer = writer
  }

  readonly put = (run: RunView): void => {
    const writer = this.#writer
    const { lease, trouble, lane, from, to, members } = run
    const sameLease = lease !== undefined && isSame(lease, this.#lease)
    const sameTrouble = trouble !== undefined && trouble === this.#trouble
    const isNormal = lane === NORMAL_PRIORITY
    writer.u8(
      run.state |
        bitOf(LEASE, sameLease, lease === undefined) |
        bitOf(TROUBLE, sameTrouble, trouble === undefined) |
        (isNormal ? 0 : LANE) |
        (members === undefined ? 0 : SCATTERED),
    )
    if (!isNormal) writer.u8(lane)
    // Each lane begins anew.
    writer.int(lane === this.#lane ? from - this.#to : from)
    writer.int(to - from)
    writer.int(run.deliveries)
    writer.int(run.dueMs)
    if (lease !== undefined && !sameLease) this.#putLease(lease)
    if (trouble !== undefined && !sameTrouble) putTrouble(writer, trouble)
    if (members !== undefined) putMembers(writer, members)
    this.#to = to
    this.#lane = lane
    this.#lease = lease
    this.#trouble = trouble
  }

  #putLease({ nonce, holder, atMs }: Lease): void {
    const writer = this.#writer
    writer.int(nonce)
    writer.int(atMs)
    const known = this.#holders.get(holder.id)
    writer.int(known ?? this.#holders.size)
    if (known !== undefined) return
    this.#holders.set(holder.id, this.#holders.size)
    writer.text(holder.id)
  }
}

const bitOf = (bits: typeof LEASE | typeof TROUBLE, isSame: boolean, isNone: boolean): number =>
  isSame ? bits.SAME : isNone ? bits.NONE : 0

const isSame = (lease: Lease, before: Lease | undefined): boolean =>
  lease.nonce === before?.nonce && lease.atMs === before.atMs && lease.holder === before.holder

/** How far each end of their ranges is behind the one before; the first begins with the run. */
function putMembers(writer: ByteWriter, members: Members): void {
  const ranges = members.ranges()
  writer.int(ranges.length)
  let before = members.first
  for (const each of ranges) {
    writer.int(each - before)
    before = each
  }
}

function putTrouble(writer: ByteWriter, trouble: Trouble): void {
  const { failures, firstMs, lastMs, cause, error, isolated } = trouble
  for (const each of [failures, firstMs, lastMs]) writer.int(each)
  writer.u8(CAUSES.indexOf(cause))
  writer.text(error)
  writer.u8(isolated ? 1 : 0)
}
