/** `goqueue delayed cancel|reschedule`. */
import type { Argv } from 'yargs'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { brokerOptions, formatOption } from '../options.ts'
import { whenOf, whenOptions } from '../when.ts'
import { delayedPlace } from './delayedOptions.ts'

export const addCancel = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'cancel <topic> <partition> <offset>',
    'Cancel a delayed message: it is never delivered',
    (command) =>
      formatOption(brokerOptions(delayedPlace(command))).example(
        '$0 delayed cancel reminders 0 17',
        'the one that `delayed list` shows as 0/17',
      ),
    async ({ topic, partition, offset, url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Delayed }, connection) => {
        await new Delayed(connection).cancel({ topic, partition, offset })
        out.result({ topic, partition, offset, cancelled: true }, () =>
          out.line(`${topic} ${partition}/${offset} is cancelled`),
        )
      })
    },
  )

export const addReschedule = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'reschedule <topic> <partition> <offset>',
    'Give a delayed message another time',
    (command) =>
      whenOptions(formatOption(brokerOptions(delayedPlace(command))))
        .example('$0 delayed reschedule reminders 0 17 --delay 2h', 'two hours from now')
        .example('$0 delayed reschedule reminders 0 17 --delay 0', 'at once'),
    async ({ topic, partition, offset, url, output, delay, deliverAt }) => {
      if (delay === undefined && deliverAt === undefined) {
        throw new UsageError('say when: --delay or --deliver-at')
      }
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Delayed }, connection) => {
        const place = { topic, partition, offset }
        const entry = await new Delayed(connection).reschedule(place, whenOf({ delay, deliverAt }))
        out.result(entry, () => {
          const when = `${entry.deliver_at} (in ${entry.time_remaining})`
          out.line(`${topic} ${partition}/${offset} is delivered at ${when}`)
        })
      })
    },
  )
