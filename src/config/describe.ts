/** The configuration in words: rows for `goqueue config` and the page docs/configuration.md. */
import { formatValue, rangeOf, type SettingValue, type Spec } from './kinds.ts'
import type { Configuration } from './load.ts'
import { SETTINGS, type Setting } from './settings.ts'

export interface SettingRow {
  readonly key: string
  /** As it can be written into a file, a variable or a flag. */
  readonly value: string
  readonly from: string
  readonly description: string
}

/** What is in force and from where, in the order of the documentation. */
export const settingRows = ({ settings, origins }: Configuration): readonly SettingRow[] =>
  SETTINGS.map(({ name, key, spec }) => ({
    key,
    value: shownValue(spec, settings[name]),
    from: origins[name].where,
    description: spec.description,
  }))

/** How many there are is all that is told of secrets. */
function shownValue(spec: Spec, value: SettingValue): string {
  if (spec.isSecret !== true || !Array.isArray(value) || value.length === 0) {
    return formatValue(spec, value)
  }
  return `(${value.length}, not shown)`
}

const INTRODUCTION = `# Configuration

<!-- Made by \`npm run docs\` from src/config/settings.ts; a test fails when it is stale. -->

Every setting has a default and three places to change it, each over the one before it:

1. a file, YAML or JSON, named by \`--config\` or \`GOQUEUE_CONFIG\`: \`port: 9000\`
2. an environment variable: \`GOQUEUE_PORT=9000\` (an empty one counts as unset)
3. a flag of \`goqueue serve\`: \`--port 9000\` (not for \`api-keys\`, which a command line would show to everybody)

\`goqueue config\` prints what is in force and where each value comes from; it takes the same flags as \`serve\`.
All problems of all places are reported at once, with the place of each, and the exit code is 78. A key or a
\`GOQUEUE_\` variable that is no setting is a problem too.

Sizes are bytes, or numbers with a unit: \`64MiB\` = 64 × 1024 × 1024, \`64MB\` = 64,000,000 (\`64M\` is refused).
Durations are milliseconds, or \`250ms\`, \`30s\`, \`5m\`, \`1h30m\`, \`2d\`. Lists are \`a,b\` in a variable or a flag.

\`\`\`yaml
# goqueue.yaml
port: 9000
data-dir: /var/lib/goqueue
segment-bytes: 64MiB
retention: 7d
\`\`\`
`

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  const sections = [...new Set(SETTINGS.map(({ spec }) => spec.section))]
  const tables = sections.map((section) => {
    const rows = SETTINGS.filter(({ spec }) => spec.section === section).map(row)
    return `## ${section}\n\n| Setting | Variable | Default | Allowed | Meaning |\n|---|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `${INTRODUCTION}\n${tables.join('\n')}`
}

function row({ key, variable, spec }: Setting): string {
  const shown = formatValue(spec, spec.defaultValue)
  const cells = [
    `\`${key}\``,
    `\`${variable}\``,
    shown === '' ? 'empty' : `\`${shown}\``,
    rangeOf(spec),
    spec.description,
  ]
  return `| ${cells.join(' | ')} |`
}
