/** docs/benchmarks.md, made from a result and nothing else. */
import type { WorkloadResult } from '../workload/result.ts'
import { workloadTable } from '../workload/table.ts'
import { formatNumber } from './format.ts'
import { machineLines } from './machineLines.ts'
import type { RunResult } from './result.ts'
import { chooseSettings, type Settings } from './settings.ts'
import { detailOf, tableOf } from './table.ts'

const QUIET_PER_CORE = 0.25

/** A machine that others use makes every absolute figure too low and every spread too wide: that is said. */
function machineLoad({ loadBefore, machine }: RunResult): string {
  if (loadBefore === undefined || loadBefore <= QUIET_PER_CORE * machine.cores) return ''
  return `- **The machine was busy with other work** (load average ${formatNumber(loadBefore)} on ${machine.cores} cores when the run began): ratios to the floor are what is left to read, and they spread.\n`
}

const FLOORS = `- **floor-http** takes the same requests with bare fastify: the same JSON parsed, a checksum for every record, one file, one
  shared write for all that gathered, one shared fdatasync for all that ask for it, a small reply. With a tail it also keeps the newest
  messages and answers a read that waits. It leaves out validation, offsets, indexes, segments, recovery, limits, metrics, groups, leases.
- **floor-append** writes the same bytes with a checksum for each record into a file, in one process, and nothing else.
- **floor-read** answers every read with the same bytes, made at its start: no log, no file.
- Where the title names the broker's own lesser work (acks leader, the same messages published at once, all of them normal, the worker
  alone, one poll alone) that is the floor. Where a bar is absolute there may be none.`

const seconds = (ms: number): string => `${formatNumber(ms / 1_000)} s`

function modeRow(name: string, settings: Settings): string {
  const { rounds, turnMs, warmupMs, soakMs, coldBytes } = settings
  const cells = [
    name,
    String(rounds),
    seconds(warmupMs),
    seconds(turnMs),
    seconds(soakMs),
    `${formatNumber(coldBytes / 2 ** 30)} GiB`,
  ]
  return `| ${cells.join(' | ')} |`
}

function modes(): string {
  const none = { rounds: undefined, coldBytes: undefined, soakMs: undefined }
  return [
    '| Mode | Rounds | Warm-up | Turn | Steady load | Cold reads in |',
    '|---|---|---|---|---|---|',
    modeRow('`--quick`', chooseSettings({ quick: true, full: false, ...none })),
    modeRow('standard', chooseSettings({ quick: false, full: false, ...none })),
    modeRow('`--full`', chooseSettings({ quick: false, full: true, ...none })),
  ].join('\n')
}

const RUNNING = `\`\`\`
npm run bench                                   # every scenario, beside its floor
npm run bench -- raw-100 json-1 --quick         # a look at two of them
npm run bench -- --full --out after.json        # figures to publish
npm run bench -- --docs-from a.json b.json      # this page, from results; of a scenario in both the later;
                                                # results of workloads go with them
npm run -s bench -- -o json raw-100             # the result alone on standard output
npx tsx bench/micro/crc32c.bench.ts             # a part of it alone
\`\`\``

const COMPARING = `\`npm run bench -- --compare before.json after.json\` sets two result files side by side. Where both runs have a floor it is the ratio to it
that is compared, so that a slower hour of the machine is no regression. **Worse** is what is so by more than 10 % and beyond the
spread (twice the median absolute deviations of both runs together); then the exit code is 1. With \`-o json\` the comparison is for
programs.`

const WORKLOADS = `Workload files of the [OpenMessaging Benchmark](https://openmessaging.cloud/docs/benchmarks/) run as they are, with the producers and
group consumers of the SDK, in a process each, against a fresh daemon:

\`\`\`
npm run bench -- --workload bench/workloads/orders-keyed.yaml --out orders.json
npm run bench -- --workload workloads/*.yaml --workload-minutes 1 --acks leader
\`\`\`

- A topic has \`partitionsPerTopic\` partitions and \`producersPerTopic\` producers; each of its \`subscriptionsPerTopic\` is a group of
  \`consumerPerSubscription\` members. \`producerRate\` is that of all producers together; 0 is as fast as the readers keep up, 10,000,000 or more as
  fast as it goes. Producers have their defaults, but for \`--acks\` (\`all\` where it is not given).
- With \`consumerBacklogSizeGB\` readers stand still until so much lies there, and drain it; \`--backlog-gib\` makes it smaller.
- A \`payloadFile\` is looked for beside the folder of the workload, as that project has it; where it is missing, random bytes of
  \`messageSize\` take its place, and the result says so.
- The result has the names of that project's results (\`publishRate\`, \`consumeRate\`, \`backlog\`, \`publishLatency99pct\`,
  \`aggregatedEndToEndLatency99pct\` …; milliseconds, \`publishDelayLatency\` microseconds), and under \`run\` the machine and what was done otherwise.
  End to end is from \`send()\` to the consumer's handler: the first eight bytes of a value are the time of its sending.`

/** Each with what it was taken on: they may come from other runs than the rest of the page. */
function workloadFigures(results: readonly WorkloadResult[]): string {
  if (results.length === 0) return ''
  const runs = results.map(({ workload, run }) => {
    const notes = run.notes.length === 0 ? '' : `; ${run.notes.join('; ')}`
    const { cpu, cores } = run.machine
    return `- *${workload}*: ${run.startedAt}, commit ${run.commit}, acks ${run.acks}, ${formatNumber(run.seconds)} s in all, ${cpu}, ${cores} cores, load average ${formatNumber(run.loadBefore)} when it began${notes}`
  })
  return `\n\n${workloadTable(results)}\n\n${runs.join('\n')}`
}

/** The whole page; of results of workloads, where there are any, a table. */
export function pageOf(run: RunResult, workloads: readonly WorkloadResult[] = []): string {
  const { machine, settings } = run
  const verdicts = run.scenarios.flatMap((each) => each.verdicts)
  const passed = verdicts.filter((verdict) => verdict.passed).length
  return `<!-- Generated by \`npm run bench -- --docs\`; not to be edited by hand. -->
# Benchmarks

Every figure stands beside its floor: the plainest program that does the same work (\`bench/floor/\`), measured in
the same run on the same machine, in turns with ours (floor, ours, floor, ours, …). What counts is the ratio: the
first number is the ratio of the medians, the second the median of each round's own ratio, and a bar is passed only
when both pass. Load comes from a process of its own, the broker is the real daemon (\`goqueue serve\`) with its
default settings, in another. Every turn warms up first, and verifies statuses, counts and what is stored.

${machineLines(machine)}
- Run: ${run.startedAt}, commit ${run.commit}, mode \`${settings.mode}\`: ${settings.rounds} rounds, ${settings.turnMs / 1000} s a turn after ${settings.warmupMs / 1000} s of warm-up
${machineLoad(run)}- Result: ${passed} of ${verdicts.length} bars passed
- Durability: what was waited for before a message counted. \`leader\` the page cache, \`all\` the disk (fdatasync); – where nothing is written

${tableOf(run.scenarios)}

## The floors

${FLOORS}

## What each scenario does

What was measured in another run than the one above says in which.

${run.scenarios.map(detailOf).join('\n')}

## Running them

${RUNNING}

${modes()}

## Comparing two runs

${COMPARING}

## Workloads of others

${WORKLOADS}${workloadFigures(workloads)}
`
}
