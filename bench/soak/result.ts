/** What a soak leaves behind: the shape of its JSON, and the whole verdict. */
import type { Machine } from '../support/machine.ts'
import type { Leftover } from './load/load.ts'
import type { Counts } from './load/world.ts'
import type { Sample } from './sampling.ts'
import { judgeSeries, SERIES, type SeriesSpec, type Verdict } from './series.ts'

export interface SoakResult {
  readonly startedAt: string
  readonly commit: string
  readonly machine: Machine
  /** Processes that wanted a core when the run began, by the system's one-minute average. */
  readonly loadBefore: number
  readonly minutes: number
  readonly warmupMinutes: number
  readonly ratePerSecond: number
  readonly valueBytes: number
  readonly samples: readonly Sample[]
  readonly counts: Counts
  /** What went wrong, by kind, and how often. */
  readonly problems: Readonly<Record<string, number>>
  /** After the publishers had stopped and everybody had had time to finish. */
  readonly left: Leftover
}

export interface SeriesVerdict {
  readonly spec: SeriesSpec
  readonly verdict: Verdict
}

const SECONDS_A_MINUTE = 60

export function verdictsOf({ samples, warmupMinutes }: SoakResult): readonly SeriesVerdict[] {
  const warmupS = warmupMinutes * SECONDS_A_MINUTE
  return SERIES.map((spec) => ({
    spec,
    verdict: judgeSeries(
      spec,
      samples.map((sample) => ({ at: sample.at, value: sample[spec.name] })),
      warmupS,
    ),
  }))
}

/** Why the run is not passed; nothing where it is. */
export function complaintsOf(result: SoakResult): readonly string[] {
  const { left, problems } = result
  const series = verdictsOf(result)
    .filter(({ verdict }) => verdict.verdict !== 'flat' && verdict.verdict !== '–')
    .map(({ spec, verdict }) => `${spec.name}: ${verdict.verdict} (${verdict.band})`)
  const wrong = Object.entries(problems).map(([what, count]) => `${what}: ${count} times`)
  const unfinished = [
    ...(left.lag > 0 ? [`${left.lag} records were not settled in the end`] : []),
    ...(left.delayed > 0 ? [`${left.delayed} delayed messages still waited in the end`] : []),
  ]
  return [...series, ...wrong, ...unfinished]
}
