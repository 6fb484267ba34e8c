/**
 * A histogram whose hot side is one array of numbers; prom-client sees it only when it is scraped.
 *
 * prom-client's own observe() hashes the labels of each observation. observe() here is a search among
 * the bounds and three additions.
 */
import { Histogram, type Registry } from 'prom-client'

/** The figures of one series: seconds bounds, observations per bucket (not cumulative, the last without bound). */
export interface BucketFigures {
  readonly bounds: readonly number[]
  readonly counts: ArrayLike<number> & Iterable<number>
  readonly sum: number
}

/** Observations of one series. */
export class Buckets implements BucketFigures {
  /** Upper bounds in seconds, ascending; a last bucket without bound is added. */
  readonly bounds: readonly number[]
  /** Observations per bucket, not cumulative; the last is for what exceeds every bound. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(seconds: number): void {
    const { bounds, counts } = this
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] as number)) bucket += 1
    counts[bucket] = (counts[bucket] as number) + 1
    this.sum += seconds
  }
}

export interface PlainHistogramOptions {
  readonly name: string
  readonly help: string
  /** Default: none. */
  readonly labelNames?: readonly string[]
  readonly registry: Registry
  /** Called at a scrape: each series with its labels. */
  readonly series: () => Iterable<
    readonly [labels: Readonly<Record<string, string>>, BucketFigures]
  >
}

interface Sample {
  readonly metricName: string
  readonly labels: Record<string, string | number>
  readonly value: number
}

/** Shows {@link Buckets} to a registry as an ordinary Prometheus histogram. */
export class PlainHistogram extends Histogram {
  readonly #options: PlainHistogramOptions

  constructor(options: PlainHistogramOptions) {
    const { name, help, labelNames = [], registry } = options
    super({ name, help, labelNames, registers: [registry] })
    this.#options = options
  }

  /** What a registry asks for when it writes the text; get() is built on it too. */
  getForPromString() {
    const { name, help, series } = this.#options
    const values = [...series()].flatMap(([labels, buckets]) => samples(name, labels, buckets))
    return Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' })
  }
}

function samples(
  name: string,
  labels: Readonly<Record<string, string>>,
  { bounds, counts, sum }: BucketFigures,
): readonly Sample[] {
  let count = 0
  const cumulative = [...counts].map((inBucket, index) => {
    count += inBucket
    const le = bounds[index] ?? '+Inf'
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
  })
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}

/** `count` bounds in seconds, each twice the one before it. */
export const doublingBounds = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => first * 2 ** index)
