/** The dashboard and the alert rules in ops/: whatever they ask for must exist. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { Meters, Metrics, NO_FIGURES } from '../../../src/observability/index.ts'
import { exposed, metricsIn } from '../../support/exposition.ts'
import { HAS_PROMTOOL, promtool } from '../../support/promtool.ts'

const ops = (path: string): string =>
  fileURLToPath(new URL(`../../../ops/${path}`, import.meta.url))
const read = (path: string): string => readFileSync(ops(path), 'utf8')

async function samples(): Promise<ReadonlySet<string>> {
  const metrics = new Metrics(new Meters(), NO_FIGURES, { version: '' })
  onTestFinished(() => metrics.close())
  return exposed(await metrics.text()).samples
}

/** All values under `key`, at any depth. */
function valuesOf(key: string, node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([name, value]) =>
    name === key && typeof value === 'string' ? [value] : valuesOf(key, value),
  )
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}
const rules = (
  parse(read('prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules)

describe('the dashboard', () => {
  const dashboard = JSON.parse(read('grafana/goqueue.json')) as {
    readonly panels: readonly {
      readonly id: number
      readonly title: string
      readonly type: string
    }[]
  }

  test('asks for metrics that there are', async () => {
    const known = await samples()
    const asked = valuesOf('expr', dashboard).flatMap(metricsIn)
    expect(asked.length).toBeGreaterThan(40)
    expect(asked.filter((name) => !known.has(name))).toEqual([])
  })

  test('looks at the brokers that were chosen only', () => {
    const series = valuesOf('expr', dashboard).flatMap(
      (expr) => expr.match(/\b(?:goqueue|process|nodejs)_\w+(?:\{[^}]*\})?/g) ?? [],
    )
    expect(series.filter((each) => !each.includes('instance=~"$instance"'))).toEqual([])
  })

  test('has panels with a title, a description and an id of their own', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const panel of dashboard.panels) {
      expect(panel.title).not.toBe('')
      if (panel.type !== 'row') expect(panel).toHaveProperty('description')
    }
  })
})

describe('the alert rules', () => {
  test('ask for metrics that there are', async () => {
    const known = await samples()
    const asked = rules.flatMap(({ expr }) => metricsIn(expr))
    expect(asked.length).toBeGreaterThan(15)
    expect(asked.filter((name) => !known.has(name))).toEqual([])
  })

  test('say how bad it is, what happened and what to do', () => {
    for (const { alert, labels, annotations } of rules) {
      expect(labels.severity, alert).toMatch(/^(?:critical|warning)$/)
      expect(annotations.summary, alert).toMatch(/\{\{/)
      expect(annotations.description, alert).toMatch(/\.$/)
    }
  })

  test.skipIf(!HAS_PROMTOOL)('are what promtool takes for rules, and fire as they should', () => {
    expect(promtool(['check', 'rules', ops('prometheus/alerts.yml')])).toBe('')
    expect(promtool(['test', 'rules', ops('prometheus/alerts.test.yml')])).toBe('')
    const config = ['check', 'config', '--syntax-only', ops('prometheus/prometheus.yml')]
    expect(promtool(config)).toBe('')
  })
})
