/** Latencies of a stretch of time, as the results name them. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** Percentiles and how the names of the result end for them. */
export const PERCENTILES = {
  '50pct': 50,
  '75pct': 75,
  '95pct': 95,
  '99pct': 99,
  '999pct': 99.9,
  '9999pct': 99.99,
  '99999pct': 99.999,
} as const

export type Ending = keyof typeof PERCENTILES | 'Avg' | 'Max'
export type Figures = Readonly<Record<Ending, number>>

const MICROS = 1_000

/** Milliseconds since 1970, finer than Date.now(); alike in all processes of the machine. */
export const preciseNowMs = (): number => performance.timeOrigin + performance.now()

export class Latencies {
  readonly #period: RecordableHistogram = createHistogram({ figures: 3 })
  readonly #total: RecordableHistogram = createHistogram({ figures: 3 })

  /** Clocks that are read twice may disagree by a hair: less than nothing is nothing. */
  add(ms: number): void {
    const micros = Math.max(1, Math.round(ms * MICROS))
    this.#period.record(micros)
    this.#total.record(micros)
  }

  /** Since the last time; in milliseconds, zeros where there were none. */
  takePeriod(): Figures {
    const figures = figuresOf(this.#period)
    this.#period.reset()
    return figures
  }

  total(): Figures {
    return figuresOf(this.#total)
  }

  reset(): void {
    this.#period.reset()
    this.#total.reset()
  }
}

function figuresOf(histogram: RecordableHistogram): Figures {
  const isEmpty = histogram.count === 0
  const ms = (micros: number): number => (isEmpty ? 0 : Math.round(micros) / MICROS)
  const percentiles = Object.entries(PERCENTILES).map(
    ([ending, percent]) => [ending, ms(histogram.percentile(percent))] as const,
  )
  const ends = { Avg: ms(histogram.mean), Max: ms(histogram.max) }
  return {
    ...(Object.fromEntries(percentiles) as Record<keyof typeof PERCENTILES, number>),
    ...ends,
  }
}
