/** The page docs/metrics.md: every metric of a daemon, from the registry itself. */
import { LAG_SERIES_MAX } from './groupMetrics.ts'
import { Meters } from './meters.ts'
import { type MetricDescription, Metrics } from './metrics.ts'
import { NO_FIGURES } from './noFigures.ts'

/** Each metric belongs to the first section whose pattern its name meets. */
const SECTIONS: readonly (readonly [title: string, pattern: RegExp, text: string])[] = [
  ['HTTP', /^goqueue_http_/, 'What the listener answers, by route pattern, never by path.'],
  [
    'Operations and load',
    /^goqueue_(?:operation|publish_|publishes_|waiters|event_loop|build|recovery|partitions_un)/,
    'Calls of the broker, whichever listener they came by. Scrapes are not counted.',
  ],
  [
    'Topics',
    /^goqueue_(?:topic_|published_|read_|retention_)/,
    'What goes in and out, what there is, and what retention took.',
  ],
  [
    'Files and the disk',
    /^goqueue_(?:log_|disk_|journal_|snapshot)/,
    'Areas are `topics` (messages), `delay` (messages that wait), `state` (journals, snapshots) and `other`; ' +
      'machines are `topics`, `groups`, `delivery` and `redrives`.',
  ],
  ['Groups', /^goqueue_group/, 'Members, rebalances, and how far each group is behind.'],
  ['Delayed messages', /^goqueue_delay/, 'Counters go on over restarts: see [delay.md](delay.md).'],
  ['Lanes', /^goqueue_priority_/, 'Priorities as they are served: see [priority.md](priority.md).'],
  [
    'Deliveries',
    /^goqueue_/,
    'Of groups in mode ack. Counters go on over restarts: see [delivery.md](delivery.md).',
  ],
  ['The process', /^(?:process|nodejs)_/, 'From prom-client; some exist on Linux only.'],
]

const INTRODUCTION = `# Metrics

<!-- Made by \`npm run docs\` from the registry; a test holds it against a running daemon. -->

\`GET /metrics\` answers in Prometheus' text format, also while the broker starts or stops. Names and units follow
Prometheus' rules: seconds and bytes, \`_total\` for what only grows. Everything is counted in plain numbers where it
happens and put together when it is asked for: a scrape costs time in proportion to the series, messages cost nothing.

Series are bounded. Labels are from closed sets (operations, error codes, route patterns, areas, machines, priorities)
or name topics, of which there are at most \`max-topics\`, and groups, of which the first ${LAG_SERIES_MAX.toLocaleString('en-US')} pairs of group and topic are
shown. Keys, members, offsets and addresses are never labels.

Rates, latencies and rules that build on them: [operations.md](operations.md#watching), \`ops/prometheus/\`, \`ops/grafana/\`.
`

/** The text of docs/metrics.md. */
export function metricsPage(): string {
  const metrics = new Metrics(new Meters(), NO_FIGURES, { version: '' })
  const left = [...metrics.catalogue()]
  metrics.close()
  const sections = SECTIONS.map(([title, pattern, text]) => {
    const here = left.filter(({ name }) => pattern.test(name))
    for (const metric of here) left.splice(left.indexOf(metric), 1)
    return `## ${title}\n\n${text}\n\n${table(here)}\n`
  })
  return `${INTRODUCTION}\n${sections.join('\n')}`
}

const table = (metrics: readonly MetricDescription[]): string =>
  [
    '| name | type | unit | labels | meaning |',
    '|---|---|---|---|---|',
    ...metrics.map(({ name, type, help, labels }) =>
      row([`\`${name}\``, type, unitOf(name), labels.map((each) => `\`${each}\``).join(' '), help]),
    ),
  ].join('\n')

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

/** What one of it is, by its name. */
function unitOf(name: string): string {
  const bare = name.replace(/_total$/, '')
  if (/_seconds$/.test(bare)) return 'seconds'
  if (/_bytes$/.test(bare)) return 'bytes'
  return /_info$/.test(bare) ? '' : 'count'
}
