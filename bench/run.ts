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
import { parsed, positive, runCommand, UsageError } from './support/command.ts'
import { currentCommit } from './support/commit.ts'
import { compareRuns, comparisonText } from './support/compare.ts'
import { describeMachine } from './support/machine.ts'
import { pageOf } from './support/page.ts'
import { makeProgress } from './support/progress.ts'
import { mergeRuns, type RunResult, type ScenarioResult } from './support/result.ts'
import type { Scenario } from './support/scenario.ts'
import { chooseSettings } from './support/settings.ts'
import { tableOf } from './support/table.ts'
import { runScenario } from './support/turns.ts'
import { runWorkloads } from './workload/command.ts'
import type { WorkloadResult } from './workload/result.ts'
import { workloadTable } from './workload/table.ts'

const USAGE = `npm run bench -- [scenario…] [options]
npm run bench -- --compare before.json after.json [-o json]
npm run bench -- --workload file.yaml… [--workload-minutes N] [--acks leader] [--out FILE]

Scenarios, each beside its floor; all of them where none is named:
  --quick               1 s a turn, smaller data: a look, some minutes for all
  --full                5 s a turn, 10 minutes of steady load: for figures to publish
  --rounds N            turns of each side (default 5)
  --cold-gib N          size of the log for random cold reads
  --soak-seconds N      length of the steady load that must not grow
  --out FILE            where the results go (default bench/results/<time>.json)
  --docs                write docs/benchmarks.md from the results of this run
  --docs-from FILE…     write docs/benchmarks.md from result files, later ones win
  --profile DIR         leave processor profiles of our side there
  --no-build            measure what was built before
  --list                the scenarios

Two result files:
  --compare A B         what changed; a metric is worse that is so by more than 10 % and beyond the spread

Workload files of the OpenMessaging Benchmark, as they are:
  --workload FILE…      runs them one after the other, a fresh daemon for each
  --workload-minutes N  instead of the length that the file says; a fifth of it is warm-up
  --backlog-gib N       instead of the backlog that the file says
  --acks LEVEL          none, leader or all (default all)

  -o, --output FORMAT   table (default) or json

Exit code: 0; 1 where a comparison found something worse or a run failed; 2 wrong options; 65 a file is not what it
should be; 66 it is not there.`

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const { values: flags, positionals } = parsed(() =>
  parseArgs({
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
      workload: { type: 'boolean', default: false },
      'workload-minutes': { type: 'string' },
      'backlog-gib': { type: 'string' },
      acks: { type: 'string', default: 'all' },
      output: { type: 'string', short: 'o', default: 'table' },
      profile: { type: 'string' },
      'no-build': { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }),
)

const isJson = flags.output === 'json'
// What is asked for as JSON is alone on standard output.
const progress = makeProgress(isJson ? process.stderr : process.stdout)
const json = (value: unknown): void =>
  void process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)

const readResult = (path: string): RunResult => JSON.parse(readFileSync(path, 'utf8')) as RunResult

const writeDocs = (run: RunResult): void =>
  writeFileSync(here('../docs/benchmarks.md'), pageOf(run))

function chosen(names: readonly string[]): readonly Scenario[] {
  const unknown = names.filter((name) => !SCENARIOS.some((each) => each.name === name))
  if (unknown.length > 0) {
    throw new UsageError(`no scenario ${unknown.join(', ')}; --list names them all`)
  }
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name))
}

function amount(name: keyof typeof flags, unit = 1): number | undefined {
  const text = flags[name]
  if (text === undefined) return undefined
  return positive(name, String(text)) * unit
}

/** The scenarios of several files in the order of the table. */
function merge(runs: readonly RunResult[]): RunResult {
  const merged = mergeRuns(runs)
  if (merged === undefined) throw new UsageError('--docs-from needs at least one result file')
  const byName = new Map(merged.scenarios.map((each) => [each.name, each]))
  return { ...merged, scenarios: SCENARIOS.flatMap(({ name }) => byName.get(name) ?? []) }
}

/** Results of workloads may be among the files, alone or several in one. */
function docsFrom(paths: readonly string[]): void {
  const contents = paths.map((path): unknown => JSON.parse(readFileSync(path, 'utf8')))
  const results = contents.flat() as readonly (RunResult | WorkloadResult)[]
  const runs = results.filter((each): each is RunResult => 'scenarios' in each)
  const workloads = results.filter((each): each is WorkloadResult => 'workload' in each)
  writeFileSync(here('../docs/benchmarks.md'), pageOf(merge(runs), workloads))
}

async function measure(scenarios: readonly Scenario[]): Promise<RunResult> {
  const settings = chooseSettings({
    quick: flags.quick,
    full: flags.full,
    rounds: amount('rounds'),
    coldBytes: amount('cold-gib', GiB),
    soakMs: amount('soak-seconds', SECOND_MS),
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

function compareFiles(): number {
  const [before, after] = positionals
  if (before === undefined || after === undefined || positionals.length > 2) {
    throw new UsageError('--compare takes two result files: the earlier and the later')
  }
  const comparison = compareRuns(readResult(before), readResult(after))
  if (isJson) json(comparison)
  else progress.line(comparisonText(comparison))
  if (comparison.changes.length === 0) {
    throw new UsageError('they have no scenario with figures in common')
  }
  return comparison.regressions > 0 ? 1 : 0
}

function save(content: object, startedAt: string): void {
  const out = flags.out ?? here(`results/${startedAt.replaceAll(':', '-')}.json`)
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify(content, undefined, 2)}\n`)
  progress.line(`\nresults: ${out}`)
}

async function workloads(): Promise<number> {
  if (positionals.length === 0) throw new UsageError('--workload takes at least one file')
  const acks = (['none', 'leader', 'all'] as const).find((each) => each === flags.acks)
  if (acks === undefined) throw new UsageError(`--acks is none, leader or all, not ${flags.acks}`)
  if (!flags['no-build']) build()
  const results = await runWorkloads(positionals, {
    minutes: amount('workload-minutes'),
    backlogGiB: amount('backlog-gib'),
    ...{ acks, progress },
  })
  const [first] = results
  if (isJson) json(results)
  else progress.line(`\n${workloadTable(results)}`)
  save(results.length === 1 && first ? first : results, first?.run.startedAt ?? '')
  return 0
}

async function scenarios(): Promise<number> {
  const run = await measure(chosen(positionals))
  if (flags.docs) writeDocs(run)
  if (isJson) json(run)
  else progress.line(`\n${tableOf(run.scenarios)}`)
  save(run, run.startedAt)
  return 0
}

async function main(): Promise<number> {
  if (flags.help) {
    progress.line(USAGE)
    return 0
  }
  if (flags.list) {
    for (const { name, title } of SCENARIOS) progress.line(`${name.padEnd(16)} ${title}`)
    return 0
  }
  if (flags.output !== 'table' && !isJson) {
    throw new UsageError(`--output is table or json, not ${flags.output}`)
  }
  if (flags.compare) return compareFiles()
  if (flags.workload) return await workloads()
  if (flags['docs-from']) {
    docsFrom(positionals)
    return 0
  }
  return await scenarios()
}

runCommand(main)
