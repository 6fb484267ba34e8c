/** The names in Prometheus' text: what it says there is, and what is asked of it. */

export interface Exposed {
  /** From name to type, of what has a TYPE line. */
  readonly types: ReadonlyMap<string, string>
  /** Names of samples: a histogram's with `_bucket`, `_sum` and `_count`, and the like. */
  readonly samples: ReadonlySet<string>
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

export function exposed(text: string): Exposed {
  const types = new Map<string, string>()
  const samples = new Set<string>()
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    types.set(name, type)
    for (const suffix of SUFFIXES[type] ?? ['']) samples.add(name + suffix)
  }
  return { types, samples }
}

/** The metrics that a PromQL expression names. */
export const metricsIn = (expression: string): readonly string[] => [
  ...new Set(expression.match(/\b(?:goqueue|process|nodejs)_\w+/g)),
]
