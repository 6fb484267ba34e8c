/**
 * The delivery machine against its simple twin under random polls, acks, nacks, rejects, extensions, expiries, commits,
 * departures, retention, restarts, crashes that lose the end of the journal, and clocks that jump.
 *
 * Always: no settled record comes back, each has one holder, floors never go back, and every counter is
 * what counting one by one comes to. A failure prints its seed; GOQUEUE_SEED runs other courses.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { deliveryCodec } from '../../../src/delivery/machine/codec.ts'
import type {
  DeliveryCommand,
  DeliveryReply,
  Piece,
  Receipts,
} from '../../../src/delivery/machine/events.ts'
import type { LaneView } from '../../../src/delivery/machine/lease.ts'
import { DeliveryMachine } from '../../../src/delivery/machine/machine.ts'
import { RUN, type RunView } from '../../../src/delivery/machine/run.ts'
import { SnapshotWriter } from '../../../src/delivery/machine/snapshotWriter.ts'
import type { Window } from '../../../src/delivery/machine/window.ts'
import { NORMAL_PRIORITY } from '../../../src/kernel/priority.ts'
import { LANES } from '../../../src/scheduling/index.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import { wholeSnapshot } from '../../support/wholeSnapshot.ts'
import { POLICY, TwinPartition, type TwinRecord } from './twin.ts'

const MEMBERS = ['a', 'b', 'c']
const STATE = { leased: RUN.LEASED, waiting: RUN.WAITING, dying: RUN.DYING } as const

/** What somebody says of receipts of a partition. */
interface Said {
  readonly partition: number
  readonly said: Extract<DeliveryCommand, Receipts>
}

interface Handed {
  readonly partition: number
  readonly offset: number
  readonly nonce: number
  readonly deliveries: number
}

class Course {
  readonly random: SeededRandom
  machine: DeliveryMachine
  twins = [new TwinPartition(), new TwinPartition()]
  nowMs = 1_000_000
  journal: Uint8Array[] = []
  #snapshot: { readonly at: number; readonly bytes: Uint8Array } | undefined
  #writing:
    | {
        readonly at: number
        readonly pieces: SnapshotWriter
        readonly expected: Buffer
        readonly taken: Uint8Array[]
      }
    | undefined
  #checkpoint: { readonly at: number; readonly twins: TwinPartition[] } | undefined
  handed: Handed[] = []
  #nonce = 1

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.machine = this.#newMachine()
    for (const partition of [0, 1]) {
      this.submit({
        ...{ kind: 'open', group: 'g', epochMs: 5, topic: 't', topicId: 1 },
        ...{ partition, cursor: 0 },
      })
    }
  }

  #newMachine(): DeliveryMachine {
    return new DeliveryMachine({ policy: POLICY, random: this.random.fork().next })
  }

  submit(command: DeliveryCommand): DeliveryReply {
    const { events, reply } = this.machine.decide(command, this.nowMs)
    for (const event of events) {
      this.machine.apply(event)
      this.journal.push(deliveryCodec.encodeEvent(event))
    }
    return reply
  }

  window(partition: number): Window {
    const window = this.machine.state.groups.get('g')?.window('t', partition)
    assert.ok(window)
    return window
  }

  twin(partition: number): TwinPartition {
    const twin = this.twins[partition]
    assert.ok(twin)
    return twin
  }

  step(): void {
    const { random } = this
    const dice = random.int(100)
    if (dice < 10) this.append()
    else if (dice < 34) this.poll()
    else if (dice < 54) this.ack()
    else if (dice < 62) this.nack()
    else if (dice < 65) this.reject()
    else if (dice < 69) this.extend()
    else if (dice < 79) this.passTime()
    else if (dice < 82) this.commit()
    else if (dice < 85) this.part()
    else if (dice < 87) this.takeBack()
    else if (dice < 93) this.bury()
    else if (dice < 94) this.retain()
    else if (dice < 95) this.shorten()
    else if (dice < 97) this.restart()
    else this.crash()
    this.machine.state.ripen(this.nowMs, () => undefined)
  }

  /** Partition 0 holds normal records for long stretches. */
  append(): void {
    const { random } = this
    const partition = random.int(2)
    const isMixed = partition === 1 || random.chance(0.2)
    const { lanes } = this.twin(partition)
    for (let left = random.between(1, 8); left > 0; left -= 1) {
      lanes.push(isMixed ? random.int(LANES) : NORMAL_PRIORITY)
    }
  }

  /** What a partition's log would say of its lanes; now and then it would have to be loaded. */
  #viewOf(twin: TwinPartition, isLoaded: boolean): LaneView {
    return {
      unread: (lane) => twin.unread(lane).length,
      next: (lane, from, max) => {
        if (!isLoaded) return undefined
        const offsets = [...twin.lanes.keys()].filter((at) => at >= from && twin.lanes[at] === lane)
        return offsets.slice(0, max).flatMap((offset) => [offset, offset + 1])
      },
    }
  }

  /** Everything from the least cursor on is normal, and so is what was handed out and is not settled. */
  #isPlain(partition: number): boolean {
    const { cursor, others } = this.window(partition)
    return others === 0 && this.twin(partition).lanes.slice(cursor).every(isNormal)
  }

  poll(): void {
    const { random } = this
    const partition = random.int(2)
    const twin = this.twin(partition)
    const member = random.pick(MEMBERS)
    const nonce = this.#nonce++
    const visibilityMs = random.chance(0.3) ? random.between(1, 500) : undefined
    const max = random.between(1, 9)
    const held = this.#heldBy(member)
    const unresolvedBefore = twin.unresolved()
    const isPlain = this.#isPlain(partition) && random.chance(0.8)
    const lane = isPlain ? NORMAL_PRIORITY : random.int(LANES)
    const isLoaded = random.chance(0.95)
    const reply = this.submit({
      ...{ kind: 'lease', window: this.window(partition).id, member, nonce, max },
      ...{ end: twin.end, visibilityMs, isFirst: random.chance(0.7), lane },
      view: isPlain ? undefined : this.#viewOf(twin, isLoaded),
    })
    const size = sizeOf(reply.pieces)
    assert.ok(size <= max && held + size <= POLICY.inFlightMax, 'more than the member may hold')
    const deadlineMs = this.nowMs + (visibilityMs ?? POLICY.visibilityMs)
    let isolated = 0
    let fresh = 0
    each(reply.pieces, undefined, (offset, piece) => {
      assert.ok(!twin.settled.has(offset), `${offset} was settled and comes back`)
      assert.ok(offset < twin.end, `${offset} is not there yet`)
      assert.equal(twin.lanes[offset], lane, `${offset} is of another lane`)
      const isFresh = !twin.records.has(offset)
      if (isFresh) fresh += 1
      assert.ok(!isFresh || unresolvedBefore < POLICY.unresolvedMax, 'more than may be unresolved')
      twin.lease(offset, { nonce, member, atMs: this.nowMs, deadlineMs })
      const record = twin.records.get(offset)
      assert.equal(piece.deliveries, record?.deliveries)
      assert.equal(piece.dueMs, deadlineMs)
      if (record?.isolated) isolated += 1
      this.handed.push({ partition, offset, nonce, deliveries: piece.deliveries })
    })
    assert.ok(isolated === 0 || size === 1, 'a record that is handed out alone has company')
    assert.ok(twin.unresolved() <= POLICY.unresolvedMax)
    assert.equal(reply.fresh, fresh)
    if (fresh > 0) twin.isRetained = false
    if (size === 0 && (isPlain || isLoaded)) this.#checkNothingToHandOut(partition, member, lane)
    if (this.handed.length > 300) this.handed.splice(0, 100)
  }

  #checkNothingToHandOut(partition: number, member: string, lane: number): void {
    const twin = this.twin(partition)
    if (this.#heldBy(member) >= POLICY.inFlightMax) return
    for (const [offset, { dueMs = this.nowMs + 1, isolated }] of twin.inState('waiting')) {
      if (twin.lanes[offset] !== lane) continue
      assert.ok(dueMs > this.nowMs || isolated, `${offset} could be handed out`)
    }
    const isFull = twin.unresolved() >= POLICY.unresolvedMax
    assert.ok(twin.unread(lane).length === 0 || isFull, 'new ones left')
  }

  #heldBy(member: string): number {
    let count = 0
    for (const twin of this.twins) {
      for (const [, record] of twin.inState('leased')) if (record.member === member) count += 1
    }
    return count
  }

  /** Some receipt of now or before, with its neighbours of the same hand-out. */
  #receipts() {
    const { random, handed } = this
    const at = random.chance(0.8) ? handed.length - 1 - random.int(15) : random.int(handed.length)
    const first = handed[Math.max(0, at)]
    if (first === undefined) return undefined
    const { partition, offset, nonce, deliveries } = first
    const window = this.window(partition).id
    const to = offset + random.between(1, 5)
    const { lanes } = this.twin(partition)
    const laneAt = (at: number): number | undefined => lanes[at]
    const lane = random.chance(0.5) ? lanes[offset] : undefined
    return { partition, said: { window, nonce, from: offset, to, deliveries, lane, laneAt } }
  }

  /** What was answered of records, one by one; what lies between those of a lane is none. */
  #answers(command: Said, answered: (offset: number, piece: Piece) => void): void {
    const { partition, said } = command
    const { lanes } = this.twin(partition)
    each(this.submit(said).pieces, said.lane, (offset, piece) => {
      if (said.lane === undefined || lanes[offset] === said.lane) answered(offset, piece)
    })
  }

  ack(): void {
    const receipts = this.#receipts()
    if (receipts === undefined) return
    const { partition, said } = receipts
    const twin = this.twin(partition)
    this.#answers({ partition, said: { kind: 'ack', ...said } }, (offset, { outcome }) => {
      const record = twin.records.get(offset)
      assert.equal(outcome === 'unknown', record === undefined)
      if (outcome === 'lost') {
        const isDone =
          record?.state === 'settled' && (record.isDead || record.deliveries > said.deliveries)
        assert.ok(isDone || !isOurs(record, said.nonce) || record?.state === 'dying')
      }
      if (outcome !== 'done') return
      if (record?.state === 'settled') {
        const speaksOfIt = said.deliveries <= record.deliveries
        assert.ok(!(record.isDead && speaksOfIt), `${offset} was given up`)
        return
      }
      assert.ok(isOurs(record, said.nonce), `${offset} is somebody else's`)
      twin.settle(offset)
    })
  }

  nack(): void {
    const receipts = this.#receipts()
    if (receipts === undefined) return
    const { partition, said } = receipts
    const twin = this.twin(partition)
    const delayMs = this.random.chance(0.5) ? this.random.int(300) : undefined
    const nack = { kind: 'nack', ...said, delayMs, error: 'no' } as const
    this.#answers({ partition, said: nack }, (offset, { outcome, dueMs }) => {
      const record = twin.records.get(offset)
      if (record?.state !== 'leased' || !isOurs(record, said.nonce)) return
      twin.fail(offset, { cause: 'nack', nowMs: this.nowMs, dueMs })
      assert.equal(outcome, record.failures > POLICY.maxRetries ? 'dead' : 'requeued')
      if (delayMs !== undefined && outcome === 'requeued') assert.equal(dueMs, this.nowMs + delayMs)
    })
  }

  reject(): void {
    const receipts = this.#receipts()
    if (receipts === undefined) return
    const { partition, said } = receipts
    const twin = this.twin(partition)
    const reject = { kind: 'reject', ...said, error: '' } as const
    this.#answers({ partition, said: reject }, (offset, { outcome }) => {
      const record = twin.records.get(offset)
      if (record === undefined || !isOurs(record, said.nonce)) return
      if (record.state !== 'leased' && record.state !== 'waiting') return
      assert.equal(outcome, 'dead')
      twin.fail(offset, { cause: 'rejected', nowMs: this.nowMs })
    })
  }

  extend(): void {
    const receipts = this.#receipts()
    if (receipts === undefined) return
    const { partition, said } = receipts
    const twin = this.twin(partition)
    const timeoutMs = this.random.between(0, 2_000)
    const extend = { kind: 'extend', ...said, timeoutMs } as const
    this.#answers({ partition, said: extend }, (offset, { outcome }) => {
      const record = twin.records.get(offset)
      const holds = record?.state === 'leased' && isOurs(record, said.nonce)
      assert.equal(outcome === 'done', holds)
      if (holds) record.deadlineMs = this.nowMs + timeoutMs
    })
  }

  takeBack(): void {
    const receipts = this.#receipts()
    if (receipts === undefined) return
    const { partition, said } = receipts
    this.#answers({ partition, said: { kind: 'takeBack', ...said } }, (offset, { outcome }) => {
      if (outcome !== 'done') return
      const record = this.twin(partition).records.get(offset)
      assert.ok(record?.state === 'leased' && isOurs(record, said.nonce))
      record.state = 'waiting'
      record.dueMs = 0
      record.nonce = 0
      record.deliveries -= 1
    })
  }

  passTime(): void {
    const { random } = this
    this.nowMs += random.chance(0.02) ? random.between(50_000, 1e9) : random.int(400)
    this.expire()
  }

  /** All that is due, in steps of any size. */
  expire(): void {
    const { state } = this.machine
    while ((state.deadlines.firstMs ?? Number.POSITIVE_INFINITY) <= this.nowMs) {
      this.submit({ kind: 'expire', max: this.random.between(1, 5) })
    }
    for (const twin of this.twins) {
      for (const [offset, record] of [...twin.inState('leased')]) {
        if (record.deadlineMs <= this.nowMs)
          twin.fail(offset, { cause: 'expired', nowMs: this.nowMs })
      }
    }
  }

  commit(): void {
    const partition = this.random.int(2)
    const twin = this.twin(partition)
    if (this.random.chance(0.3)) {
      const member = this.random.pick(MEMBERS)
      this.submit({ kind: 'commitHeld', group: 'g', member })
      for (const each of this.twins) {
        for (const [offset, record] of [...each.inState('leased')]) {
          if (record.member === member) each.settle(offset)
        }
      }
      return
    }
    const to = this.random.between(Math.max(0, twin.floor - 2), twin.end + 3)
    this.submit({ kind: 'commit', window: this.window(partition).id, to })
    for (let offset = 0; offset < Math.min(to, twin.cursor); offset += 1) {
      const state = twin.records.get(offset)?.state
      if (state === 'leased' || state === 'waiting') twin.settle(offset)
    }
  }

  part(): void {
    const member = this.random.pick(MEMBERS)
    const reason = this.random.chance(0.5) ? 'left' : 'died'
    this.submit({ kind: 'part', group: 'g', member, reason })
    for (const twin of this.twins) {
      for (const [offset, record] of [...twin.inState('leased')]) {
        if (record.member !== member) continue
        if (reason === 'died') twin.fail(offset, { cause: 'died', nowMs: this.nowMs })
        else {
          record.state = 'waiting'
          record.dueMs = 0
        }
      }
    }
  }

  bury(): void {
    const partition = this.random.int(2)
    const window = this.window(partition)
    const [first] = window.dying
    if (first === undefined) return
    const { from, lane } = window.table.view(first)
    this.submit({ kind: 'bury', window: window.id, lane, from, to: from + 1 })
    assert.equal(this.twin(partition).records.get(from)?.state, 'dying')
    this.twin(partition).settle(from, true)
  }

  retain(): void {
    const partition = this.random.int(2)
    const twin = this.twin(partition)
    const start = this.random.between(twin.floor, Math.min(twin.end, twin.floor + 4))
    const skippedBefore = this.machine.state.totals.retentionSkipped
    let skipped = 0
    const areAll = this.window(partition).cursors === undefined && this.random.chance(0.5)
    twin.isRetained = true
    const below = twin.lanes.keys()
    const unread = [...below].filter((at) => at < start && !twin.records.has(at)).length
    this.submit({
      ...{ kind: 'retain', window: this.window(partition).id, start },
      unread: areAll ? undefined : unread,
    })
    for (let offset = 0; offset < start; offset += 1) {
      const record = twin.records.get(offset)
      if (record === undefined) {
        const fresh = { nonce: 0, member: '', atMs: this.nowMs, deadlineMs: 0 }
        twin.lease(offset, fresh)
      } else if (record.state !== 'waiting') continue
      twin.settle(offset)
      skipped += 1
    }
    assert.equal(this.machine.state.totals.retentionSkipped - skippedBefore, skipped)
  }

  /** A power cut has taken the end of the log; that it did is on the disk before anything else. */
  shorten(): void {
    const partition = this.random.int(2)
    const twin = this.twin(partition)
    const end = this.random.between(Math.max(0, twin.end - 6), twin.end)
    this.submit({ kind: 'shorten', window: this.window(partition).id, end })
    twin.shorten(end)
    this.#checkpoint = undefined
  }

  restart(): void {
    if (this.random.chance(0.3)) this.#rebuild()
    else if (this.#writing === undefined) this.#beginSnapshot()
  }

  /** In pieces of a few runs, with all the rest going on between them. */
  #beginSnapshot(): void {
    const { state } = this.machine
    const expected = wholeSnapshot(new SnapshotWriter(state))
    const pieces = new SnapshotWriter(state, this.random.between(1, 40))
    this.#writing = { at: this.journal.length, pieces, expected, taken: [] }
  }

  /** The snapshot is as of its beginning, whatever has happened meanwhile; and only now it counts. */
  writeOn(): void {
    if (this.#writing === undefined || this.random.chance(0.5)) return
    const { at, pieces, expected, taken } = this.#writing
    const piece = pieces.next()
    if (piece !== undefined) {
      taken.push(piece)
      return
    }
    pieces.close()
    const bytes = Buffer.concat(taken)
    assert.ok(bytes.equals(expected), 'the snapshot is not of one moment')
    this.#snapshot = { at, bytes }
    this.#checkpoint = undefined
    this.#writing = undefined
  }

  #rebuild(): void {
    this.#writing = undefined
    this.machine = this.#newMachine()
    const from = this.#snapshot
    if (from !== undefined) {
      this.machine.restore(deliveryCodec.decodeSnapshot(Buffer.from(from.bytes)))
    }
    for (const bytes of this.journal.slice(from?.at ?? 0)) {
      this.machine.apply(deliveryCodec.decodeEvent(Buffer.from(bytes)))
    }
  }

  /** What was not on the disk yet is gone: also for the twin. */
  crash(): void {
    if (this.#checkpoint === undefined) {
      this.#checkpoint = { at: this.journal.length, twins: this.twins.map((twin) => twin.clone()) }
      return
    }
    const lanes = this.twins.map((twin) => twin.lanes)
    this.journal.length = this.#checkpoint.at
    this.twins = this.#checkpoint.twins
    for (const [i, twin] of this.twins.entries()) {
      twin.lanes.push(...(lanes[i] ?? []).slice(twin.end))
    }
    this.#checkpoint = undefined
    this.#rebuild()
    this.expire()
  }

  check(): void {
    const { state } = this.machine
    const held = new Map<string, number>()
    for (const [partition, twin] of this.twins.entries()) {
      const window = this.window(partition)
      this.#checkWindow(window, twin)
      for (const [, record] of twin.inState('leased')) {
        held.set(record.member, (held.get(record.member) ?? 0) + 1)
      }
    }
    const holders = state.groups.get('g')?.holders ?? new Map()
    same(holders.size, held.size)
    for (const [id, count] of held) same(holders.get(id)?.inFlight, count)
  }

  #checkWindow(window: Window, twin: TwinPartition): void {
    this.#checkCursors(window, twin)
    let leased = 0
    let unresolved = 0
    let others = 0
    const { table } = window
    const seen = new Set<number>()
    const ends = new Array<number>(LANES).fill(0)
    for (const id of window.allRuns()) {
      const run = table.view(id)
      assert.ok(run.from >= (ends[run.lane] ?? 0), 'two runs overlap')
      ends[run.lane] = run.to
      same(run.from, table.offsetAt(id, 0))
      same(run.to, table.offsetAt(id, run.size - 1) + 1)
      for (let i = 0; i < run.size; i += 1) {
        const at = table.offsetAt(id, i)
        seen.add(at)
        same(twin.lanes[at], run.lane)
        same(window.runAt(at), id)
        this.#checkRecord(run, twin.records.get(at))
      }
      unresolved += run.size
      if (run.lane !== NORMAL_PRIORITY) others += run.size
      if (run.state === RUN.LEASED) leased += run.size
    }
    for (let at = twin.floorSeen; at < twin.end; at += 1) {
      if (!seen.has(at)) this.#checkNoRun(window, twin, at)
    }
    same(window.leased, leased)
    same(window.others, others)
    same(window.unresolved, unresolved)
    twin.floorSeen = twin.floor
  }

  /** Of each lane everything below its cursor was handed out, and nothing from there on. */
  #checkNoRun(window: Window, twin: TwinPartition, at: number): void {
    const isBelow = at < window.cursorOf(twin.lanes[at] ?? 0)
    same(twin.records.get(at)?.state, isBelow ? 'settled' : undefined)
  }

  #checkCursors(window: Window, twin: TwinPartition): void {
    const { floor } = window
    assert.ok(floor >= twin.floorSaid, 'the floor went back')
    assert.ok(floor <= twin.floor, 'the floor is above what is not settled')
    // A log that lost its end may have had others there: their cursors follow with the next hand-out.
    const isOne = window.cursors === undefined
    if (isOne && twin.lanes.every(isNormal)) assert.equal(floor, twin.floor)
    if (twin.floor === twin.end && !twin.isRetained) assert.equal(floor, twin.end)
    twin.floorSaid = floor
    const counts = new Array<number>(LANES).fill(0)
    for (const [offset] of twin.inState('leased')) {
      const lane = twin.lanes[offset] ?? 0
      counts[lane] = (counts[lane] ?? 0) + 1
    }
    const inFlight = window.counts.inFlight()
    for (const [lane, count] of counts.entries()) same(inFlight[lane], count)
    let ready = 0
    for (let lane = 0; lane < LANES; lane += 1) {
      for (const run of window.ready.in(lane)) {
        same(window.table.lane(run), lane)
        ready += window.table.count[run] ?? 0
      }
    }
    same(
      window.counts.ready.reduce((a, b) => a + b, 0),
      ready,
    )
  }

  #checkRecord(run: RunView, record: TwinRecord | undefined): void {
    if (record === undefined || record.state === 'settled') assert.fail('it is settled')
    same(run.state, STATE[record.state])
    same(run.deliveries, record.deliveries)
    same(run.failures, record.failures)
    if (record.state === 'leased') {
      same(run.dueMs, record.deadlineMs)
      same(run.lease?.nonce, record.nonce)
      same(run.lease?.holder.id, record.member)
    }
    if (record.state === 'waiting') this.#checkWait(run.dueMs, record)
  }

  #checkWait(dueMs: number, record: TwinRecord): void {
    if (record.dueMs === undefined) {
      const wait = Math.min(POLICY.backoffMs * 2 ** (record.failures - 1), POLICY.backoffMsMax)
      const waited = dueMs - record.failedMs
      assert.ok(waited >= wait * 0.9 - 1 && waited <= wait * 1.1 + 1, `a backoff of ${waited} ms`)
      record.dueMs = dueMs
    }
    same(dueMs, record.dueMs)
  }

  /** Nobody does anything but work: in the end nothing is left. */
  drain(): void {
    for (let round = 0; round < 20_000; round += 1) {
      if (this.twins.every((twin) => twin.floor === twin.end)) return
      this.nowMs += 500
      this.expire()
      this.machine.state.ripen(this.nowMs, () => undefined)
      for (const partition of [0, 1]) while (this.window(partition).dying.length > 0) this.bury()
      const before = this.handed.length
      this.poll()
      for (const handed of this.handed.slice(before)) this.#finish(handed)
    }
    assert.fail('some record was never handed out again')
  }

  #finish({ partition, offset, nonce, deliveries }: Handed): void {
    const window = this.window(partition).id
    this.submit({ kind: 'ack', window, nonce, deliveries, from: offset, to: offset + 1 })
    this.twin(partition).settle(offset)
  }
}

const isNormal = (lane: number): boolean => lane === NORMAL_PRIORITY

/** As assert.equal, which makes an error's text ready each time, at a hundredth of the cost. */
function same(actual: unknown, expected: unknown): void {
  if (actual !== expected) assert.equal(actual, expected)
}

const isOurs = (record: TwinRecord | undefined, nonce: number): boolean => record?.nonce === nonce

const sizeOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { size }) => sum + size, 0)

/** Of a lane the size of a piece says nothing of what lies between. */
function each(
  pieces: readonly Piece[],
  lane: number | undefined,
  work: (offset: number, piece: Piece) => void,
): void {
  for (const piece of pieces) {
    const { ranges = [piece.from, piece.to] } = piece
    let size = 0
    for (let i = 0; i + 1 < ranges.length; i += 2) {
      for (let offset = ranges[i] ?? 0; offset < (ranges[i + 1] ?? 0); offset += 1) {
        work(offset, piece)
        size += 1
      }
    }
    if (lane === undefined) same(size, piece.size)
  }
}

const COURSES = 250
const STEPS = 420
/** Each command is held against the twin by its reply; the whole state is compared now and then. */
const CHECK_EVERY = 5

describe('the delivery machine', () => {
  test('does as its simple twin does, over 100,000 steps', { timeout: 60_000 }, () => {
    for (let nth = 0; nth < COURSES; nth += 1) {
      const seed = baseSeed() * 1_000 + nth
      const course = new Course(seed)
      let step = 0
      try {
        for (; step < STEPS; step += 1) {
          course.step()
          course.writeOn()
          if (step % CHECK_EVERY === 0) course.check()
        }
        course.drain()
        course.check()
      } catch (error) {
        throw new Error(`GOQUEUE_SEED=${baseSeed()}: course ${nth}, step ${step}`, { cause: error })
      }
    }
  })
})
