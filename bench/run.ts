/**
 * The bench: `npm run bench -- [scenario…] [options]`. This process only gives turns and writes results; load,
 * floors and the broker run in processes of their own.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { GiB, SECOND_MS } from '../src/kernel/units.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { build } from './support/build.ts'
import { currentCommit } from './support/commit.ts'
import { comparisonOf } from './support/compare.ts'
import { describeMachine } from './support/machine.ts'
import { makeProgress } from './support/progress.ts'
import type { RunResult, ScenarioResult } from './support/result.ts'
import type { Scenario } from './support/scenario.ts'
import { chooseSettings } from './support/settings.ts'
import { pageOf, tableOf } from './support/table.ts'
import { runScenario } from './support/turns.ts'

const USAGE = `npm run bench -- [scenario…] [options]

  --quick           shorter turns, smaller data
  --full            longer turns, 10 minutes of steady load
  --rounds N        turns of each side (default 5)
  --cold-gib N      size of the log for random cold reads
  --soak-seconds N  length of the steady load that must not grow
  --out FILE        where the results go (default bench/results/<time>.json)
  --docs            write docs/benchmarks.md from the results of this run
  --docs-from FILE… write docs/benchmarks.md from result files, later ones win
  --compare A B     differences of two result files
  --profile DIR     leave processor profiles of our side there
  --no-build        measure what was built before
  --list            the scenarios`

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const progress = makeProgress(process.stdout)

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    'cold-gib': { type: 'string' },
    'soak-seconds': { type: 'string' },
    out: { type: 'string' },
    docs: { type: 'boolean', default: false },
    'docs-from': { type: 'boolean', default: false },
    compare: { type: 'boolean', default: false },
    profile: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const readResult = (path: string): RunResult => JSON.parse(readFileSync(path, 'utf8')) as RunResult

const writeDocs = (run: RunResult): void =>
  writeFileSync(here('../docs/benchmarks.md'), pageOf(run))

function chosen(names: readonly string[]): readonly Scenario[] {
  const unknown = names.filter((name) => !SCENARIOS.some((each) => each.name === name))
  if (unknown.length > 0) {
    throw new Error(`no scenario ${unknown.join(', ')}; --list names them all`)
  }
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name))
}

const amount = (text: string | undefined, unit: number): number | undefined =>
  text === undefined ? undefined : Number(text) * unit

/** The scenarios of several files in the order of the table; of two of one name the later file's. */
function merge(runs: readonly RunResult[]): RunResult {
  const last = runs.at(-1)
  if (last === undefined) throw new Error('--docs-from needs at least one result file')
  const byName = new Map<string, ScenarioResult>()
  for (const run of runs) for (const each of run.scenarios) byName.set(each.name, each)
  const scenarios = SCENARIOS.flatMap(({ name }) => byName.get(name) ?? [])
  return { ...last, scenarios }
}

async function measure(scenarios: readonly Scenario[]): Promise<RunResult> {
  const settings = chooseSettings({
    quick: flags.quick,
    full: flags.full,
    rounds: amount(flags.rounds, 1),
    coldBytes: amount(flags['cold-gib'], GiB),
    soakMs: amount(flags['soak-seconds'], SECOND_MS),
  })
  if (!flags['no-build']) build()
  const loadBefore = loadavg()[0] ?? Number.NaN
  const head = { startedAt: new Date().toISOString(), commit: currentCommit(), loadBefore }
  const results: ScenarioResult[] = []
  for (const scenario of scenarios) {
    progress.line(`${scenario.name}: ${scenario.title}`)
    const options = { settings, progress, profileDirectory: flags.profile }
    const result = await runScenario(scenario, options)
    results.push(result)
    progress.line(tableOf([result]).split('\n').slice(2).join('\n'))
    if (result.problem !== undefined) progress.line(`  did not finish: ${result.problem}`)
  }
  return { ...head, machine: describeMachine(), settings, scenarios: results }
}

async function main(): Promise<void> {
  if (flags.help) return progress.line(USAGE)
  if (flags.list) {
    for (const { name, title } of SCENARIOS) progress.line(`${name.padEnd(16)} ${title}`)
    return
  }
  if (flags.compare) {
    const [before, after] = positionals
    if (before === undefined || after === undefined) throw new Error('--compare needs two files')
    return progress.line(comparisonOf(readResult(before), readResult(after)))
  }
  if (flags['docs-from']) return writeDocs(merge(positionals.map(readResult)))
  const run = await measure(chosen(positionals))
  const out = flags.out ?? here(`results/${run.startedAt.replaceAll(':', '-')}.json`)
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify(run, undefined, 2)}\n`)
  if (flags.docs) writeDocs(run)
  progress.line(`\n${tableOf(run.scenarios)}\n\nresults: ${out}`)
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exit(1)
  },
)
