/**
 * The soak: `npm run soak -- [options]`. The daemon and the load run in processes of their own; this one looks on, writes
 * the result and judges it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MINUTE_MS, SECOND_MS } from '../../src/kernel/units.ts'
import { build } from '../support/build.ts'
import { temporaryDirectory } from '../support/children.ts'
import { parsed, positive, runCommand } from '../support/command.ts'
import { currentCommit } from '../support/commit.ts'
import { describeMachine } from '../support/machine.ts'
import { makeProgress } from '../support/progress.ts'
import { startDaemon } from '../support/servers.ts'
import { soakPage } from './page.ts'
import { tableText, verdictText } from './report.ts'
import { complaintsOf, type SoakResult } from './result.ts'
import { runSoak, type SoakPlan } from './run.ts'

const USAGE = `npm run soak -- [options]

Drives all features at a steady rate, watches memory, files, event loop and disk, and says whether each line is flat.

  --minutes N         length (default 30)
  --warmup-minutes N  not judged (default a fifth of the length, at most 6)
  --rate N            messages published a second, all kinds together (default 2000)
  --value-bytes N     size of their values (default 200)
  --sample-seconds N  between samples (default 5)
  --out FILE          where the result goes (default bench/results/soak-<time>.json)
  --docs              write docs/soak.md from the result of this run
  --docs-from FILE    write docs/soak.md from a result file, run nothing
  --no-build          run what was built before

Exit code: 0 all flat, 1 not, 2 wrong options.

  npm run soak -- --minutes 2 --rate 500
  npm run soak -- --minutes 480 --out night.json && npm run soak -- --docs-from night.json`

const WARMUP_SHARE = 0.2
const WARMUP_MINUTES_MAX = 6

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const progress = makeProgress(process.stdout)

const { values: flags } = parsed(() =>
  parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      'warmup-minutes': { type: 'string' },
      rate: { type: 'string', default: '2000' },
      'value-bytes': { type: 'string', default: '200' },
      'sample-seconds': { type: 'string', default: '5' },
      out: { type: 'string' },
      docs: { type: 'boolean', default: false },
      'docs-from': { type: 'string' },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }),
)

function planOf(): SoakPlan {
  const minutes = positive('minutes', flags.minutes)
  const warmup = flags['warmup-minutes']
  return {
    minutes,
    warmupMinutes:
      warmup === undefined
        ? Math.min(WARMUP_MINUTES_MAX, minutes * WARMUP_SHARE)
        : positive('warmup-minutes', warmup),
    ratePerSecond: positive('rate', flags.rate),
    valueBytes: positive('value-bytes', flags['value-bytes']),
    sampleMs: positive('sample-seconds', flags['sample-seconds']) * SECOND_MS,
    drainMs: MINUTE_MS,
  }
}

const writeDocs = (result: SoakResult): void =>
  writeFileSync(here('../../docs/soak.md'), soakPage(result))

async function soak(plan: SoakPlan): Promise<SoakResult> {
  if (!flags['no-build']) build()
  const startedAt = new Date().toISOString()
  const head = { startedAt, commit: currentCommit(), loadBefore: loadavg()[0] ?? Number.NaN }
  const directory = temporaryDirectory('soak')
  const server = await startDaemon({ directory })
  const isTerminal = process.stdout.isTTY
  const watched = await runSoak(plan, { server, directory, progress, isTerminal })
  await server.stop()
  const { minutes, warmupMinutes, ratePerSecond, valueBytes } = plan
  const settings = { minutes, warmupMinutes, ratePerSecond, valueBytes }
  return { ...head, machine: describeMachine(), ...settings, ...watched }
}

async function main(): Promise<number> {
  if (flags.help) {
    progress.line(USAGE)
    return 0
  }
  const from = flags['docs-from']
  if (from !== undefined) {
    writeDocs(JSON.parse(readFileSync(from, 'utf8')) as SoakResult)
    return 0
  }
  const result = await soak(planOf())
  const out = flags.out ?? here(`../results/soak-${result.startedAt.replaceAll(':', '-')}.json`)
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify(result)}\n`)
  if (flags.docs) writeDocs(result)
  progress.line(`\n${tableText(result)}\n\n${verdictText(result)}\n\nresult: ${out}`)
  return complaintsOf(result).length === 0 ? 0 : 1
}

runCommand(main)
