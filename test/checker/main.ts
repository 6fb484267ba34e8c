/**
 * `npm run check`: rounds of clients and faults against a broker built from the sources, until the time is up.
 *
 *   npm run check -- --minutes 1 --features log,queue --faults kill,pause --seed 7
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { buildBroker } from './brokers/build.ts'
import { FAULTS } from './faults/index.ts'
import { runRound } from './round.ts'
import { Table } from './table.ts'
import { FEATURES, type Feature } from './workloads/workload.ts'

const EXIT_FINDINGS = 1

const list = (all: readonly string[]) => (text: string) => {
  const names = text === 'all' ? all : text.split(',')
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length === 0) return names
  throw new Error(`unknown: ${unknown.join(', ')}; there are ${all.join(', ')}`)
}

const faultNames = FAULTS.map(({ name }) => name)
const { minutes, features, faults, seed, seconds } = yargs(hideBin(process.argv))
  .usage('npm run check -- [options]')
  .option('minutes', { type: 'number', default: 1, describe: 'how long, all in all' })
  .option('seconds', { type: 'number', default: 8, describe: 'of work in each round' })
  .option('features', {
    ...{ type: 'string', default: 'all', coerce: list(FEATURES) },
    describe: FEATURES.join(', '),
  })
  .option('faults', {
    ...{ type: 'string', default: 'all', coerce: list(faultNames) },
    describe: faultNames.join(', '),
  })
  .option('seed', { type: 'number', default: Number(process.env['GOQUEUE_SEED'] ?? 1) })
  .example('npm run check -- --minutes 5 --faults kill,power', 'two faults, five minutes')
  .version(false)
  .strict()
  .parseSync()

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(EXIT_FINDINGS))

const directory = await mkdtemp(join(tmpdir(), 'goqueue-check-'))
const built = await buildBroker(join(directory, 'build'))
const chosen = FAULTS.filter(({ name }) => faults.includes(name))
const table = new Table(features as Feature[])
const until = performance.now() + minutes * 60_000
process.stderr.write(`GOQUEUE_SEED=${seed}, in ${directory}\n`)
for (let round = 0; round < chosen.length || performance.now() < until; round += 1) {
  const fault = chosen[round % chosen.length]
  if (fault === undefined) break
  const roundSeed = seed + round
  const result = await runRound({
    ...{ built, fault, features: features as Feature[], seed: roundSeed, workMs: seconds * 1000 },
    directory: join(directory, `round-${round}-${fault.name}`),
  })
  process.stderr.write(table.add(fault.name, roundSeed, result))
}
process.stdout.write(table.text())
if (table.isClean) await rm(directory, { recursive: true, force: true })
else process.exitCode = EXIT_FINDINGS
