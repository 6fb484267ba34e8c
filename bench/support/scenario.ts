/**
 * A scenario: one thing that is measured, the floor it is measured against, and the bars it has to pass.
 *
 *   floor()  opens the plainest program that does the same work; undefined where a bar is absolute
 *   ours()   opens the broker for the same work
 *
 * Both give a {@link Side}, and the harness asks them for turns: floor, ours, floor, ours, … A turn warms up,
 * measures, verifies what was answered and resolves with numbers; a turn that met a wrong answer rejects.
 */
import type { BenchContext } from './context.ts'

export interface Sample {
  /** The measured metrics; every turn of both sides has the same names. */
  readonly values: Readonly<Record<string, number>>
  /** What helps to read them (CPU shares, percentiles without a bar); shown, never judged. */
  readonly notes?: Readonly<Record<string, number>>
}

/** One turn of one side: warm-up, measurement, verification. Its processes and files end with the context. */
export type Side = () => Promise<Sample>

export type Unit = 'records/s' | 'ms' | 'MB' | 'files' | '% of a core' | '%'

/**
 * What one metric has to reach. `ratio` compares with the floor's turns, `value` looks at our median alone.
 * A ratio passes only when the ratio of medians and the median of the per-round ratios both do.
 */
export interface Bar {
  readonly metric: string
  readonly of: 'ratio' | 'value'
  readonly atLeast?: number
  readonly atMost?: number
  /** Where it is not that of the scenario. */
  readonly unit?: Unit
}

export interface Scenario {
  /** As typed on the command line. */
  readonly name: string
  /** One line for the table. */
  readonly title: string
  /** Of its metrics. */
  readonly unit: Unit
  readonly bars: readonly Bar[]
  /** What was asked of the disk: as in `acks`. */
  readonly durability: string
  /** Turns that each side gets; by default what the command line says. */
  readonly rounds?: number
  floor?(context: BenchContext): Promise<Side>
  ours(context: BenchContext): Promise<Side>
}

export const ratioAtLeast = (metric: string, atLeast: number): Bar => ({
  metric,
  of: 'ratio',
  atLeast,
})
export const ratioAtMost = (metric: string, atMost: number): Bar => ({
  metric,
  of: 'ratio',
  atMost,
})
export const valueAtMost = (metric: string, atMost: number): Bar => ({
  metric,
  of: 'value',
  atMost,
})
export const valueAtLeast = (metric: string, atLeast: number): Bar => ({
  metric,
  of: 'value',
  atLeast,
})
