/**
 * `npm run check:mutations`: hunts each planted bug of mutations.ts; ends with a table, and with 1 where one got away.
 *
 *   npm run check:mutations -- --only journaled --rounds 6
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { type Catch, hunt } from './hunt.ts'
import { MUTATIONS, type Mutation } from './mutations.ts'

const EXIT_MISSED = 1

const { only, rounds, seconds, seed } = yargs(hideBin(process.argv))
  .usage('npm run check:mutations -- [options]')
  .option('only', { type: 'string', default: '', describe: 'those whose names have this in them' })
  .option('rounds', { type: 'number', default: 10, describe: 'at most, for each' })
  .option('seconds', { type: 'number', default: 5, describe: 'of work in each round' })
  .option('seed', { type: 'number', default: Number(process.env['GOQUEUE_SEED'] ?? 1) })
  .version(false)
  .strict()
  .parseSync()

const row = ({ name, feature, fault }: Mutation, result: Catch): string => {
  const caught = result.check === undefined ? '**not caught**' : `\`${result.check}\``
  const cells = [name, feature, fault, caught, result.operations.toLocaleString('en-US')]
  return `| ${[...cells, result.rounds].join(' | ')} |`
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(EXIT_MISSED))

const directory = await mkdtemp(join(tmpdir(), 'goqueue-mutations-'))
const lines = [
  '| planted bug | feature | fault | caught by | after operations | rounds |',
  '|---|---|---|---|---|---|',
]
let missed = 0
process.stderr.write(`GOQUEUE_SEED=${seed}, in ${directory}\n`)
for (const [index, mutation] of MUTATIONS.entries()) {
  if (!mutation.name.includes(only)) continue
  const plan = { mutation, seed, roundsMax: rounds, workMs: seconds * 1000 }
  const result = await hunt({ ...plan, directory: join(directory, String(index)) })
  if (result.check === undefined) missed += 1
  lines.push(row(mutation, result))
  const took = `${(result.durationMs / 1000).toFixed(0)} s`
  process.stderr.write(`${row(mutation, result)} ${took}: ${result.example.slice(0, 300)}\n`)
}
process.stdout.write(`${lines.join('\n')}\n`)
if (missed === 0) await rm(directory, { recursive: true, force: true })
else process.exitCode = EXIT_MISSED
