import type { Argv } from 'yargs'
import type { Daemon } from '../../app/index.ts'
import { type Cli, outputFor } from '../context.ts'
import { coloursFor, type Output } from '../output.ts'
import { ownName } from '../ownName.ts'

/** `goqueue serve`: the daemon. */
export const serveCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'serve',
    'Start the broker',
    async (command) => {
      const { configOptions } = await import('./configOptions.ts')
      return configOptions(command)
        .example('$0 serve', 'on 127.0.0.1:8080, data in ./data')
        .example('$0 serve --port 0 --data-dir /tmp/try', 'on any free port, which is printed')
        .epilogue(
          'Sizes are bytes or 64MiB, durations milliseconds or 30s; see docs/configuration.md.',
        )
    },
    async ({ config, ...options }) => {
      const { settingFlags } = await import('./configOptions.ts')
      const { readConfiguration, startDaemon } = await import('../../app/index.ts')
      const flags = settingFlags(options)
      const { settings } = await readConfiguration({ flags, config, env: cli.io.env })
      const terminal = cli.io.stdout.isTTY === true
      const colour = coloursFor(cli.io, cli.io.stdout).isColorSupported
      const daemon = await startDaemon({ settings, terminal, colour, stopsOnSignals: true })
      if (terminal && settings.logFormat === 'auto')
        greet(outputFor(cli), daemon, ownName(cli.io.env))
    },
  )

/** For a person: what to try next, with the real address. */
function greet(out: Output, { url, topicCount }: Daemon, name: string): void {
  const { bold, cyan, dim } = out.colours
  const port = new URL(url).port
  const flag = port === '8080' ? '' : ` --url ${url}`
  const lines = [
    '',
    `  ${bold('goqueue')} listens on ${cyan(url)}   ${dim('Ctrl-C stops it')}`,
    '',
    ...(topicCount === 0
      ? [dim('  Try it, in another terminal:')]
      : [dim('  In another terminal:')]),
    `    ${name} topic create orders${flag}`,
    `    ${name} produce orders '{"id":1}' -k customer-7${flag}`,
    `    ${name} consume orders --follow${flag}`,
    '',
    `    curl -s ${url}/topics/orders/messages -H 'content-type: application/json' \\`,
    `      -d '{"messages":[{"key":"customer-7","value":{"id":2}}]}'`,
    '',
    `  ${dim('API:')} ${url}/docs   ${dim('Metrics:')} ${url}/metrics`,
    '',
  ]
  for (const line of lines) out.line(line)
}
