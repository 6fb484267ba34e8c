/**
 * Runs of offsets by lane, in memory: for each of the five lanes its own ascending list, so that the one critical
 * record behind a million background ones is found without looking at these.
 *
 *   run = from | to (exclusive) | records of the lane in front of it
 *   offsets 0 to 9 background but for a critical 7:   lane 4: 0 7 0 · 8 10 7   lane 0: 7 8 0
 *
 * The runs of a lane are added in ascending order. Adding is O(1), looking up O(log runs).
 */
import { invariant } from '../kernel/invariant.ts'
import { LANES } from '../kernel/priority.ts'

/** Numbers of one run. */
const RUN = 3

/** Takes runs in ascending order, flat and joined where they meet, until it has so many records. */
export class RunCollector {
  /** `from` and `to` (exclusive) by turns. */
  readonly runs: number[] = []
  #room: number

  constructor(maxRecords: number) {
    this.#room = maxRecords
  }

  /** Records that it still takes. */
  get room(): number {
    return this.#room
  }

  get isFull(): boolean {
    return this.#room <= 0
  }

  get isEmpty(): boolean {
    return this.runs.length === 0
  }

  add(from: number, to: number): void {
    const { runs } = this
    const end = Math.min(to, from + this.#room)
    if (runs.length > 0 && runs[runs.length - 1] === from) runs[runs.length - 1] = end
    else runs.push(from, end)
    this.#room -= end - from
  }
}

export class LaneRuns {
  readonly #lists = Array.from({ length: LANES }, () => new RunList())

  /** Runs held, of all lanes. */
  get size(): number {
    return this.#lists.reduce((sum, list) => sum + list.size, 0)
  }

  /** Adds a run behind the lane's others; joins it to the last one where they meet. */
  add(lane: number, from: number, to: number): void {
    this.#list(lane).add(from, to)
  }

  /** Adds the lane's runs from `from` on, cut there. */
  collect(lane: number, from: number, into: RunCollector): void {
    this.#list(lane).collect(from, into)
  }

  /** The lane's runs in `from` to `to` (exclusive), flat. */
  slice(lane: number, from: number, to: number): readonly number[] {
    const found = new RunCollector(this.count(lane, from) - this.count(lane, to))
    this.collect(lane, from, found)
    return found.runs
  }

  /** Records of the lane from `from` on. */
  count(lane: number, from: number): number {
    return this.#list(lane).count(from)
  }

  /** Behind the lane's last record; 0 where it has none. */
  endOf(lane: number): number {
    return this.#list(lane).end
  }

  /** Forgets everything below `offset`. */
  dropBelow(offset: number): void {
    for (const list of this.#lists) list.dropBelow(offset)
  }

  #list(lane: number): RunList {
    const list = this.#lists[lane]
    invariant(list !== undefined, `no lane ${lane}`)
    return list
  }
}

const COMPACTED_FROM = 1024

class RunList {
  #runs: number[] = []
  /** Where the first run begins that is not dropped. */
  #head = 0

  get size(): number {
    return (this.#runs.length - this.#head) / RUN
  }

  get end(): number {
    return this.#isEmpty ? 0 : (this.#runs[this.#runs.length - 2] as number)
  }

  get #isEmpty(): boolean {
    return this.#head === this.#runs.length
  }

  add(from: number, to: number): void {
    const runs = this.#runs
    const last = runs.length - RUN
    if (this.#isEmpty) runs.push(from, to, 0)
    else if (runs[last + 1] === from) runs[last + 1] = to
    else runs.push(from, to, this.#before(last) + (runs[last + 1] as number) - this.#from(last))
  }

  collect(from: number, into: RunCollector): void {
    const runs = this.#runs
    for (let at = this.#find(from); at < runs.length && !into.isFull; at += RUN) {
      into.add(Math.max(from, this.#from(at)), runs[at + 1] as number)
    }
  }

  count(from: number): number {
    const at = this.#find(from)
    if (at === this.#runs.length) return 0
    const last = this.#runs.length - RUN
    const total = this.#before(last) + this.end - this.#from(last)
    return total - this.#before(at) - Math.max(0, from - this.#from(at))
  }

  dropBelow(offset: number): void {
    const runs = this.#runs
    const at = this.#find(offset)
    this.#head = at
    if (at < runs.length && this.#from(at) < offset) {
      runs[at + 2] = this.#before(at) + offset - this.#from(at)
      runs[at] = offset
    }
    if (this.#isEmpty || (this.#head > COMPACTED_FROM && this.#head * 2 > runs.length)) {
      this.#runs = runs.slice(this.#head)
      this.#head = 0
    }
  }

  /** The first run that ends behind `offset`. */
  #find(offset: number): number {
    let low = this.#head / RUN
    let high = this.#runs.length / RUN
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#runs[middle * RUN + 1] as number) <= offset) low = middle + 1
      else high = middle
    }
    return low * RUN
  }

  #from(at: number): number {
    return this.#runs[at] as number
  }

  #before(at: number): number {
    return this.#runs[at + 2] as number
  }
}
