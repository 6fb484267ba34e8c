/** The few numbers a series of turns is judged by. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Median absolute deviation from the median: half of the turns lie closer than this. */
  readonly mad: number
}

const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)

/** As notes are shown. */
export const twoDigits = (value: number): number => Math.round(value * 100) / 100

/** NaN for an empty series. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export function spread(values: readonly number[]): Spread {
  const middle = median(values)
  return {
    median: middle,
    min: Math.min(...values),
    max: Math.max(...values),
    mad: median(values.map((value) => Math.abs(value - middle))),
  }
}

/** The value below which `share` (0 to 1) of an ascending series lies, by nearest rank; NaN when it is empty. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

export interface Comparison {
  readonly ratioOfMedians: number
  /** Each round's own ratio, floor and ours side by side in time: what drifts slowly cancels out. */
  readonly medianOfRatios: number
}

/** `ours` and `floor` hold one value per round, in the order of the rounds. */
export function compare(ours: readonly number[], floor: readonly number[]): Comparison {
  return {
    ratioOfMedians: median(ours) / median(floor),
    medianOfRatios: median(ours.map((value, round) => value / (floor[round] ?? Number.NaN))),
  }
}
