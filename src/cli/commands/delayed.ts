/** `goqueue delayed list|show|cancel|reschedule|stats`. */
import type { Argv } from 'yargs'
import type { DelayedEntry, DelayStats } from '../../client/index.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, formatOption, integer } from '../options.ts'
import { humanCount, type Output, plural } from '../output.ts'
import { momentAhead } from '../when.ts'
import { addCancel, addReschedule } from './delayedChange.ts'
import { delayedPlace, topicName } from './delayedOptions.ts'

export const delayedCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command('delayed', 'List, show, cancel and put off delayed messages', (delayed) => {
    for (const add of [addList, addShow, addCancel, addReschedule, addStats]) add(delayed, cli)
    return delayed.demandCommand(1, 'say what to do with delayed messages: list, show, cancel, …')
  })

const DEFAULT_LIMIT = 100

const addList = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    ['list <topic>', 'ls <topic>'],
    'List the messages of a topic that wait, the next one first',
    (command) =>
      formatOption(brokerOptions(topicName(command)))
        .option('from', {
          describe: 'Only what is due then or later: a time (RFC 3339), or a duration from now',
          coerce: momentAhead('from'),
          requiresArg: true,
        })
        .option('to', {
          describe: 'Only what is due before that',
          coerce: momentAhead('to'),
          requiresArg: true,
        })
        .option('limit', {
          alias: 'n',
          describe: `At most so many [${DEFAULT_LIMIT}]`,
          coerce: integer('limit', { min: 1, max: Number.MAX_SAFE_INTEGER }),
          requiresArg: true,
        })
        .example('$0 delayed list reminders', '')
        .example('$0 delayed list reminders --to 1h', 'what comes within the hour'),
    async ({ topic, url, output, from, to, limit = DEFAULT_LIMIT }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Delayed }, connection) => {
        const messages: DelayedEntry[] = []
        let hasMore = false
        for await (const entry of new Delayed(connection).list(topic, { from, to })) {
          hasMore = messages.length === limit
          if (hasMore) break
          messages.push(entry)
        }
        out.result({ messages }, () => showEntries(out, messages))
        if (hasMore) out.note(`more than these ${plural(limit, 'message')} wait: -n shows more`)
      })
    },
  )

function showEntries(out: Output, entries: readonly DelayedEntry[]): void {
  if (entries.length === 0) {
    out.note('nothing waits')
    return
  }
  out.table(
    ['message', 'deliver at', 'in', 'priority', 'key'],
    entries.map((each) => [
      `${each.partition}/${each.offset}`,
      each.deliver_at,
      each.time_remaining,
      each.priority,
      each.key ?? '-',
    ]),
  )
}

const addShow = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'show <topic> <partition> <offset>',
    'Show a delayed message, also one that was delivered or cancelled',
    (command) =>
      formatOption(brokerOptions(delayedPlace(command))).example(
        '$0 delayed show reminders 0 17',
        '',
      ),
    async ({ topic, partition, offset, url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Delayed }, connection) => {
        const entry = await new Delayed(connection).get({ topic, partition, offset })
        out.result(entry, () => showEntry(out, entry))
      })
    },
  )

function showEntry(out: Output, { topic, partition, offset, ...facts }: DelayedEntry): void {
  out.line(`${out.colours.bold(topic)} ${partition}/${offset}`)
  for (const [name, fact] of Object.entries(facts)) {
    out.line(`${out.colours.dim(name)} ${fact}`)
  }
}

const addStats = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'stats',
    'Show how many wait, how many were delivered, and how late',
    (command) => formatOption(brokerOptions(command)).example('$0 delayed stats', ''),
    async ({ url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Delayed }, connection) => {
        const stats = await new Delayed(connection).stats()
        out.result(stats, () => showStats(out, stats))
      })
    },
  )

function showStats(out: Output, stats: DelayStats): void {
  const { lateness } = stats
  out.line(`${out.colours.bold(humanCount(stats.pending_count))} wait`)
  out.line(`late by ${lateness.p50} (median), ${lateness.p99} (p99), ${lateness.max} (at most)`)
  const rows = Object.entries(stats.by_topic).map(([topic, counts]) => [
    topic,
    counts.pending_count,
    counts.delivered_count,
    counts.cancelled_count,
    counts.expired_count,
  ])
  if (rows.length === 0) return
  out.line('')
  out.table(['topic', 'pending', 'delivered', 'cancelled', 'expired'], rows)
}
