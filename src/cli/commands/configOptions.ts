/** The settings of the daemon as options, for `serve` and `config`. */
import type { Argv } from 'yargs'
import { formatValue, rangeOf, SETTINGS, type Setting } from '../../config/index.ts'
import { text } from '../options.ts'

export function configOptions<T>(yargs: Argv<T>): Argv<T & { config: string | undefined }> {
  const withFile = yargs.option('config', {
    alias: 'c',
    describe: 'A YAML or JSON file of settings [GOQUEUE_CONFIG]',
    coerce: text('config'),
    requiresArg: true,
  })
  for (const setting of SETTINGS) {
    if (setting.spec.isSecret) continue
    withFile.option(setting.key, {
      describe: describe(setting),
      requiresArg: true,
      group: `${setting.spec.section}:`,
    })
  }
  return withFile as Argv<T & { config: string | undefined }>
}

function describe({ spec, variable }: Setting): string {
  const range = spec.choices === undefined ? '' : ` (${rangeOf(spec)})`
  const shown = formatValue(spec, spec.defaultValue) || 'empty'
  return `${spec.description.replace(/\.$/, '')}${range} [${variable}, else ${shown}]`
}

/** The settings among the options of a command line, by key; absent where they were not given. */
export function settingFlags(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = SETTINGS.map(({ key }) => [key, options[key]] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}
