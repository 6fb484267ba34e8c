/** `goqueue priority`: what waits in each lane and what is served of it, once or again and again. */
import type { Argv } from 'yargs'
import { DAY_MS, SECOND_MS } from '../../kernel/units.ts'
import { type Cli, outputFor, untilInterrupted, withConnection } from '../context.ts'
import { brokerOptions, duration, formatOption, text } from '../options.ts'
import { frames } from '../watch.ts'
import { showPriorities } from './priorityTable.ts'

const DEFAULT_INTERVAL_MS = 1 * SECOND_MS

export const priorityCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'priority',
    'Show what waits in each priority lane, and how it is served',
    (command) =>
      formatOption(brokerOptions(command))
        .option('topic', {
          alias: 't',
          describe: 'Also each partition of this topic',
          coerce: text('topic'),
          requiresArg: true,
        })
        .option('watch', {
          alias: 'w',
          boolean: true,
          default: false,
          describe: 'Go on until Ctrl-C; in a pipe one JSON object a line',
        })
        .option('interval', {
          describe: 'Time between two looks with --watch [1s]',
          coerce: duration('interval', { minMs: 100, maxMs: DAY_MS }),
          requiresArg: true,
        })
        .example('$0 priority --watch', '')
        .example('$0 priority | jq .messages_by_priority', ''),
    async ({ url, output, topic, watch, interval = DEFAULT_INTERVAL_MS }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const admin = new Admin(connection)
        const show = async (): Promise<void> => {
          const stats = await admin.priorityStats()
          if (out.format === 'table') showPriorities(out, stats, topic)
          else out.line(JSON.stringify(stats, undefined, watch ? undefined : 2))
        }
        if (!watch) return await show()
        await untilInterrupted(cli, () => frames({ cli, out, intervalMs: interval }, show))
      })
    },
  )
