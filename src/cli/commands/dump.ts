import type { Argv } from 'yargs'
import { EXIT } from '../../kernel/exitCodes.ts'
import { type Cli, outputFor } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { type Output, plural } from '../output.ts'

/** `goqueue dump`: what lies on disk, without a broker. */
export const dumpCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'dump <path>',
    'Print and verify the records and indexes of a segment or of a directory, as JSON lines',
    (command) =>
      command
        .positional('path', {
          type: 'string',
          demandOption: true,
          describe: 'A segment, or a directory of them: a partition, a topic, all data',
        })
        .option('problems', {
          boolean: true,
          default: false,
          describe: 'Print only what is wrong, and a summary',
        })
        .option('repair', {
          boolean: true,
          default: false,
          describe:
            'Rebuild the indexes instead; records are never touched. Not while a broker runs',
        })
        .example('$0 dump data/topics/orders~1/0', 'one partition')
        .example('$0 dump data --problems', 'is all well? Exit code 65 where it is not')
        .example('$0 dump data --repair', 'make every index again'),
    async ({ path, problems, repair }) => {
      if (problems && repair) throw new UsageError('--problems and --repair are two things')
      const { inspectPath, repairPath } = await import('../../app/index.ts')
      const out = outputFor(cli)
      const lines = repair ? repairPath(path) : inspectPath(path)
      const isShown = ({ kind }: Line): boolean =>
        !problems || kind === 'problem' || kind === 'summary'
      const found = await print(out, cli.interrupted, lines, isShown)
      if (found.problems === 0) return
      cli.exitCode = EXIT.DATA
      const advice = !repair && found.repairable > 0 ? '; --repair rebuilds indexes' : ''
      out.note(`${plural(found.problems, 'problem')} found${advice}`)
    },
  )

interface Line {
  readonly kind: string
  /** Of a problem. */
  readonly repairable?: boolean
}

const CHUNK_CHARS = 64 * 1024

/** Prints the lines that are wanted, in chunks; counts the problems among all of them. */
async function print(
  out: Output,
  interrupted: AbortSignal,
  lines: AsyncIterable<Line>,
  isShown: (line: Line) => boolean,
): Promise<{ readonly problems: number; readonly repairable: number }> {
  let chunk = ''
  let problems = 0
  let repairable = 0
  for await (const line of lines) {
    if (line.kind === 'problem') {
      problems += 1
      if (line.repairable === true) repairable += 1
    }
    if (isShown(line)) chunk += `${JSON.stringify(line)}\n`
    if (chunk.length >= CHUNK_CHARS) {
      await out.bytes(chunk)
      chunk = ''
    }
    if (out.readerGone || interrupted.aborted) break
  }
  await out.bytes(chunk)
  return { problems, repairable }
}
