/** What waits for a handler, by lane: the most urgent first, within a lane in the order of arrival. */
import { PRIORITIES } from '../../kernel/priority.ts'
import type { Lot } from './lot.ts'

/** Lanes from here on, low and background, may keep a share of the handlers only. */
const FIRST_LOW_LANE = 3

export const isLow = (lot: Lot): boolean => lot.lane >= FIRST_LOW_LANE

export class LotQueue {
  readonly #lanes: Lot[][] = PRIORITIES.map(() => [])

  push(lot: Lot): void {
    this.#lanes[lot.lane]?.push(lot)
  }

  /** The next one to begin with; undefined where there is none but of low lanes, and these may not. */
  first(mayBeLow: boolean): Lot | undefined {
    const end = mayBeLow ? this.#lanes.length : FIRST_LOW_LANE
    for (let lane = 0; lane < end; lane += 1) {
      const first = this.#lanes[lane]?.[0]
      if (first !== undefined) return first
    }
    return undefined
  }

  remove(lot: Lot): void {
    const lane = this.#lanes[lot.lane]
    if (lane?.[0] === lot) lane.shift()
    else lane?.splice(lane.indexOf(lot), 1)
  }

  find(is: (lot: Lot) => boolean): Lot | undefined {
    for (const lane of this.#lanes) {
      const found = lane.find(is)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Takes out all there is. */
  takeAll(): Lot[] {
    return this.#lanes.flatMap((lane) => lane.splice(0))
  }
}
