import type { Argv } from 'yargs'
import { type Cli, outputFor } from '../context.ts'
import { formatOption } from '../options.ts'

/** `goqueue config`: what is in force and from where. */
export const configCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'config',
    'Print the settings in force and where each comes from',
    async (command) => {
      const { configOptions } = await import('./configOptions.ts')
      return configOptions(formatOption(command))
        .example('$0 config', 'of this directory and environment')
        .example('$0 config -c goqueue.yaml --port 9000', 'of a file and a flag')
    },
    async ({ output, config, ...options }) => {
      const { settingFlags } = await import('./configOptions.ts')
      const { settingRows } = await import('../../config/index.ts')
      const { readConfiguration } = await import('../../app/index.ts')
      const out = outputFor(cli, output)
      const flags = settingFlags(options)
      const configuration = await readConfiguration({ flags, config, env: cli.io.env })
      const rows = settingRows(configuration)
      const result = rows.map(({ key, value, from }) => [key, { value, from }])
      out.result(Object.fromEntries(result), () => {
        const shown = rows.map(({ key, value, from }) => [
          key,
          value,
          from === 'default' ? out.colours.dim(from) : out.colours.cyan(from),
        ])
        out.table(['setting', 'value', 'from'], shown)
      })
    },
  )
