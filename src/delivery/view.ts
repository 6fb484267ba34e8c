/** What is told of deliveries: of one group, and of all. */
import type { Partition, Topics } from '../topics/index.ts'
import type { Ledger } from './ledger.ts'
import type { RunId } from './machine/run.ts'
import type { Totals } from './machine/state.ts'
import type { Window } from './machine/window.ts'

export interface WindowView {
  readonly topic: string
  readonly partition: number
  readonly floor: number
  /** The next offset that was never handed out. */
  readonly cursor: number
  /** Records that are not settled, handed out or not; undefined where the partition does not serve. */
  readonly backlog: number | undefined
  /** Handed out and not settled. */
  readonly unresolved: number
  /** Of those: held by a member now. */
  readonly inFlight: number
  /** Of those: on their way into the dead letters. */
  readonly dying: number
  /** No new record is handed out until some are settled. */
  readonly isLimited: boolean
}

export interface GroupDelivery {
  readonly windows: readonly WindowView[]
  /** Member to how many records it holds. */
  readonly inFlight: ReadonlyMap<string, number>
  /** Members that hold as many as they may. */
  readonly limitedMembers: readonly string[]
}

/** Counted from the first start of the data directory on. */
export interface DeliveryFigures extends Readonly<Totals> {
  readonly windows: number
  readonly inFlight: number
  readonly waiting: number
  readonly ready: number
  readonly dying: number
  readonly unresolved: number
  /** Polls that wait. */
  readonly pollsWaiting: number
  /** Wall time at which the next lease ends; undefined where none does. */
  readonly nextDeadlineMs: number | undefined
  /** In all dead-letter topics, those that were redriven left out. */
  readonly deadLetters: number
  readonly redriven: number
  /** Redrives under way. */
  readonly tasksRunning: number
}

type LedgerFigures = Omit<DeliveryFigures, 'deadLetters' | 'redriven' | 'tasksRunning'>

export interface GroupSources {
  readonly ledger: Ledger
  readonly topics: Topics
  /** How many of its records were never handed out; undefined where nobody has asked for its partition yet. */
  readonly unreadOf: (window: Window) => number | undefined
}

export function groupDeliveryOf(sources: GroupSources, name: string): GroupDelivery {
  const { ledger } = sources
  const group = ledger.state.groups.get(name)
  if (group === undefined) return { windows: [], inFlight: new Map(), limitedMembers: [] }
  const { inFlightMax } = ledger.state.policyOf(name, '')
  const holders = [...group.holders.values()]
  return {
    windows: [...group.allWindows()].map((window) => windowView(sources, window)),
    inFlight: new Map(holders.map(({ id, inFlight }) => [id, inFlight])),
    limitedMembers: holders.flatMap(({ id, inFlight }) => (inFlight >= inFlightMax ? [id] : [])),
  }
}

function windowView(sources: GroupSources, window: Window): WindowView {
  const { ledger, topics } = sources
  const { topic, partition, floor, cursor, unresolved, leased, dying } = window
  const source = topics.find(topic)?.partitions[partition]
  const { unresolvedMax } = ledger.state.policyOf(window.group.name, topic)
  return {
    topic,
    partition,
    floor,
    cursor,
    unresolved,
    backlog: source?.isOpen ? unreadIn(sources, window, source) + unresolved : undefined,
    inFlight: leased,
    dying: sizeOf(window, dying),
    isLimited: unresolved >= unresolvedMax,
  }
}

/** As its place counts; else what the log knows of the lanes, and where that must be loaded, at most so many. */
function unreadIn({ unreadOf }: GroupSources, window: Window, source: Partition): number {
  const counted = unreadOf(window)
  if (counted !== undefined) return counted
  const { next } = source.offsets()
  if (window.cursors === undefined) return Math.max(0, next - window.cursor)
  const counts = window.cursors.map((cursor, lane) => source.lanes.count(lane, cursor))
  return counts.reduce((sum: number, count) => sum + (count ?? next - window.cursor), 0)
}

export function figuresOf(ledger: Ledger, pollsWaiting: number): LedgerFigures {
  const { state, clock } = ledger
  let [inFlight, ready, dying, unresolved] = [0, 0, 0, 0]
  for (const window of state.windows.values()) {
    inFlight += window.leased
    unresolved += window.unresolved
    ready += window.ready.records
    dying += sizeOf(window, window.dying)
  }
  const nextMs = state.deadlines.firstMs
  return {
    ...state.totals,
    windows: state.windows.size,
    inFlight,
    ready,
    dying,
    unresolved,
    pollsWaiting,
    waiting: unresolved - inFlight - ready - dying,
    nextDeadlineMs: nextMs === undefined ? undefined : clock.wallMs(nextMs),
  }
}

const sizeOf = ({ table }: Window, runs: readonly RunId[]): number =>
  runs.reduce((sum, run) => sum + (table.count[run] as number), 0)
