import type { Argv } from 'yargs'
import { EXIT } from '../../kernel/exitCodes.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, formatOption } from '../options.ts'
import type { Output } from '../output.ts'

/** `goqueue health`: whether the broker takes work, with each of its checks. */
export const healthCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'health',
    'Ask a broker whether it takes work; 69 where it does not',
    (command) =>
      formatOption(brokerOptions(command)).example('$0 health && echo ready', 'for scripts'),
    async ({ url, output }) => {
      const out = outputFor(cli, output)
      const readiness = await withConnection(cli, url, ({ Admin }, connection) =>
        new Admin(connection).readiness(),
      )
      if (readiness.status !== 'pass') cli.exitCode = EXIT.UNAVAILABLE
      out.result(readiness, () => {
        const checks = Object.entries(readiness.checks ?? {})
        out.table(
          ['check', 'status', 'message'],
          [
            ['broker', paint(out, readiness.status), ''],
            ...checks.map(([name, { status, message }]) => [name, paint(out, status), message]),
          ],
        )
      })
    },
  )

function paint({ colours }: Output, status: string): string {
  if (status === 'pass') return colours.green(status)
  return status === 'warn' ? colours.yellow(status) : colours.red(status)
}
