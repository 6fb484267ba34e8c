/**
 * Prometheus' text, read: as much of the format as a broker writes.
 *
 *   goqueue_read_messages_total{topic="orders"} 42   ->  name, labels, 42
 */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/gm
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g
const NONE: readonly Sample[] = []

export class Samples {
  readonly #byName = new Map<string, Sample[]>()

  constructor(text: string) {
    for (const [, name = '', labels = '', value = ''] of text.matchAll(LINE)) {
      const sample = { labels: labelsOf(labels), value: Number(value) }
      const known = this.#byName.get(name)
      if (known === undefined) this.#byName.set(name, [sample])
      else known.push(sample)
    }
  }

  /** Undefined where there is none. */
  value(name: string, labels: Sample['labels'] = {}): number | undefined {
    return this.all(name, labels)[0]?.value
  }

  /** Over all series that have these labels; 0 where there is none. */
  sum(name: string, labels: Sample['labels'] = {}): number {
    return this.all(name, labels).reduce((total, { value }) => total + value, 0)
  }

  /** Summed for each value of one label. */
  by(label: string, name: string): ReadonlyMap<string, number> {
    const sums = new Map<string, number>()
    for (const { labels, value } of this.all(name)) {
      const key = labels[label] ?? ''
      sums.set(key, (sums.get(key) ?? 0) + value)
    }
    return sums
  }

  all(name: string, wanted: Sample['labels'] = {}): readonly Sample[] {
    const samples = this.#byName.get(name) ?? NONE
    const asked = Object.entries(wanted)
    if (asked.length === 0) return samples
    return samples.filter(({ labels }) => asked.every(([key, value]) => labels[key] === value))
  }
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) {
    labels[name] = value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
  }
  return labels
}

/**
 * The value below which a share of what was observed between two looks lies, by the histogram `name`, in its unit;
 * null where nothing was. Interpolated within a bucket; at most the last bound.
 */
export function quantileBetween(
  before: Samples | undefined,
  now: Samples,
  { name, quantile, only = () => true }: HistogramQuery,
): number | null {
  const counts = cumulative(now, name, only)
  const earlier = before === undefined ? new Map() : cumulative(before, name, only)
  const buckets = [...counts]
    .map(([bound, count]) => ({ bound, count: count - (earlier.get(bound) ?? 0) }))
    .sort((a, b) => a.bound - b.bound)
  const total = buckets.at(-1)?.count ?? 0
  if (total <= 0) return null
  let [lower, below] = [0, 0]
  for (const { bound, count } of buckets) {
    if (count >= quantile * total) {
      if (bound === Number.POSITIVE_INFINITY) return lower
      const share = (quantile * total - below) / Math.max(count - below, 1)
      return lower + (bound - lower) * Math.min(share, 1)
    }
    lower = bound
    below = count
  }
  return lower
}

export interface HistogramQuery {
  readonly name: string
  /** 0 to 1. */
  readonly quantile: number
  /** Which series; default all. */
  readonly only?: (labels: Sample['labels']) => boolean
}

/** From upper bound to how many lie below it. */
function cumulative(
  samples: Samples,
  name: string,
  only: NonNullable<HistogramQuery['only']>,
): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { labels, value } of samples.all(`${name}_bucket`)) {
    if (!only(labels)) continue
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le'])
    counts.set(bound, (counts.get(bound) ?? 0) + value)
  }
  return counts
}
