/** `goqueue doctor`: what is wrong with a data directory and a running broker, and what to do about it. */
import type { Argv } from 'yargs'
import { EXIT } from '../../kernel/exitCodes.ts'
import type { Finding, FindingStatus } from '../../kernel/finding.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, formatOption, text } from '../options.ts'
import { type Output, plural } from '../output.ts'
import { passed } from '../watch.ts'

/** Between the two looks at a daemon. */
const PAUSE_MS = 1 * SECOND_MS

export const doctorCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'doctor',
    'Examine a data directory and a running broker, and say what to do; 1 where there is a problem',
    (command) =>
      formatOption(brokerOptions(command))
        .option('data-dir', {
          alias: 'd',
          describe: 'Examine this directory; and no broker, unless --url names one',
          coerce: text('data-dir'),
          requiresArg: true,
        })
        .option('deep', {
          boolean: true,
          default: false,
          describe: 'Read every record and index entry, not only the ends of the segments',
        })
        .example('$0 doctor', 'the broker, and the data directory of this configuration')
        .example('$0 doctor --data-dir /var/lib/goqueue --deep', 'a directory, all of it')
        .example('$0 doctor --url http://10.0.0.7:8080', 'a broker elsewhere, and nothing else')
        .example('$0 doctor | jq \'.findings[] | select(.status != "ok")\'', 'for scripts')
        .epilogue('It only looks: nothing is changed, and a broker may run meanwhile.'),
    async ({ url, output, 'data-dir': dataDir, deep }) => {
      const report = new Report(outputFor(cli, output))
      const directory = dataDir ?? (url === undefined ? await configuredDirectory(cli) : undefined)
      if (directory !== undefined) {
        const { examineDirectory } = await import('../../app/index.ts')
        await report.take(
          `data directory ${directory}`,
          examineDirectory({ path: directory, deep }),
        )
      }
      if (dataDir === undefined || url !== undefined) {
        const { examineDaemon } = await import('../doctor/daemon.ts')
        await withConnection(cli, url, async (_, connection) => {
          const pause = (): Promise<void> => passed(PAUSE_MS, cli.interrupted)
          const findings = examineDaemon({ connection, pause })
          await report.take(`broker ${connection.url}`, findings)
        })
      }
      if (report.end()) return
      cli.exitCode = EXIT.ERROR
    },
  )

/** The data directory that a daemon started here would use; undefined where there is none yet. */
async function configuredDirectory(cli: Cli): Promise<string | undefined> {
  const { readConfiguration } = await import('../../app/index.ts')
  const input = { flags: {}, config: undefined, env: cli.io.env }
  const { dataDir } = (await readConfiguration(input)).settings
  const { examineDirectory } = await import('../../app/index.ts')
  // Its first finding says whether it is there at all.
  for await (const { status } of examineDirectory({ path: dataDir, deep: false })) {
    return status === 'problem' ? undefined : dataDir
  }
  return undefined
}

type Told = Finding & { readonly of: string }

/** Findings as they come for people, all at once for programs. */
class Report {
  readonly #out: Output
  readonly #told: Told[] = []

  constructor(out: Output) {
    this.#out = out
  }

  async take(of: string, findings: AsyncIterable<Finding>): Promise<void> {
    if (this.#out.format === 'table') this.#out.line(this.#out.colours.bold(of))
    for await (const finding of findings) {
      this.#told.push({ of, ...finding })
      if (this.#out.format === 'table')
        for (const line of this.#lines(finding)) this.#out.line(line)
    }
    if (this.#out.format === 'table') this.#out.line('')
  }

  /** False where there is a problem. */
  end(): boolean {
    const count = (status: FindingStatus): number =>
      this.#told.filter((finding) => finding.status === status).length
    const [problems, warnings] = [count('problem'), count('warning')]
    const { red, yellow, green } = this.#out.colours
    const summary = { ok: problems === 0, problems, warnings, findings: this.#told }
    this.#out.result(summary, () => {
      if (problems > 0)
        this.#out.line(red(`${plural(problems, 'problem')}, ${plural(warnings, 'warning')}`))
      else if (warnings > 0) this.#out.line(yellow(`no problem, ${plural(warnings, 'warning')}`))
      else this.#out.line(green('all is well'))
    })
    return problems === 0
  }

  #lines({ check, status, message, advice, details = [] }: Finding): readonly string[] {
    const { green, yellow, red, dim } = this.#out.colours
    const paint = { ok: green, warning: yellow, problem: red }[status]
    const indent = ' '.repeat(STATUS_CHARS + CHECK_CHARS + 4)
    return [
      `  ${paint(status.padEnd(STATUS_CHARS))}  ${check.padEnd(CHECK_CHARS)}  ${message}`,
      ...details.map((detail) => `${indent}  ${dim(detail)}`),
      ...(advice === undefined ? [] : [`${indent}  → ${advice}`]),
    ]
  }
}

const STATUS_CHARS = 'problem'.length
const CHECK_CHARS = 'dead letters'.length
