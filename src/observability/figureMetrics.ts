/** Metrics that each show one figure of an object, declared as a table: name to help and figure. */
import { Counter, Gauge, type Registry } from 'prom-client'

export type FigureTable<Figure extends string> = Readonly<
  Record<string, readonly [help: string, figure: Figure]>
>
type Labels = Readonly<Record<string, string>>
type Figures<Figure extends string> = Readonly<Record<Figure, number>>

/** Shows these series and forgets those of before. */
export type Show<Figure extends string> = (
  series: Iterable<readonly [labels: Labels, figures: Figures<Figure>]>,
) => void

export function figureGauges<Figure extends string>(
  registry: Registry,
  table: FigureTable<Figure>,
  labelNames: readonly string[] = [],
): Show<Figure> {
  const gauges = Object.entries(table).map(([name, [help, figure]]) => ({
    metric: new Gauge({ name, help, labelNames, registers: [registry] }),
    figure,
  }))
  return (series) => {
    for (const { metric } of gauges) metric.reset()
    for (const [labels, figures] of series) {
      for (const { metric, figure } of gauges) metric.set(labels, figures[figure])
    }
  }
}

/** Of what is counted elsewhere: a counter is set to the figure, which must never go back. */
export function figureCounters<Figure extends string>(
  registry: Registry,
  table: FigureTable<Figure>,
  labelNames: readonly string[] = [],
): Show<Figure> {
  const counters = Object.entries(table).map(([name, [help, figure]]) => ({
    metric: new Counter({ name, help, labelNames, registers: [registry] }),
    figure,
  }))
  return (series) => {
    for (const { metric } of counters) metric.reset()
    for (const [labels, figures] of series) {
      for (const { metric, figure } of counters) metric.inc(labels, figures[figure])
    }
  }
}
