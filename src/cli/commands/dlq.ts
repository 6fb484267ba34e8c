/** `goqueue dlq list|show|redrive|tasks|cancel`. */
import type { Argv } from 'yargs'
import type { DeadLetter } from '../../client/index.ts'
import { EXIT } from '../../kernel/exitCodes.ts'
import { Failure } from '../../kernel/failure.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, formatOption, integer } from '../options.ts'
import { type Output, plural } from '../output.ts'
import { filterOptions, topicName } from './dlqOptions.ts'
import { addCancel, addRedrive, addTasks } from './dlqRedrive.ts'

export const dlqCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command('dlq', 'List, show and bring back dead letters', (letters) => {
    for (const add of [addList, addShow, addRedrive, addTasks, addCancel]) add(letters, cli)
    return letters.demandCommand(1, 'say what to do with dead letters: list, show, redrive, …')
  })

const DEFAULT_LIMIT = 100
const ERROR_CHARS = 60

const addList = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    ['list <topic>', 'ls <topic>'],
    'List the dead letters of a topic, oldest first in each partition',
    (command) =>
      filterOptions(formatOption(brokerOptions(topicName(command))))
        .option('limit', {
          alias: 'n',
          describe: `At most so many [${DEFAULT_LIMIT}]`,
          coerce: integer('limit', { min: 1, max: Number.MAX_SAFE_INTEGER }),
          requiresArg: true,
        })
        .example('$0 dlq list orders', '')
        .example('$0 dlq list orders -g billing --reason rejected -o json', ''),
    async ({ topic, url, output, limit = DEFAULT_LIMIT, group, reason, key }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ DeadLetters }, connection) => {
        const messages: DeadLetter[] = []
        let hasMore = false
        const filter = { group, reason, key }
        for await (const letter of new DeadLetters(connection).list(topic, filter)) {
          hasMore = messages.length === limit
          if (hasMore) break
          messages.push(letter)
        }
        out.result({ messages }, () => showLetters(out, messages))
        if (hasMore) out.note(`there are more than these ${plural(limit, 'letter')}: -n shows more`)
      })
    },
  )

function showLetters(out: Output, letters: readonly DeadLetter[]): void {
  if (letters.length === 0) {
    out.note('no dead letters')
    return
  }
  out.table(
    ['letter', 'key', 'group', 'reason', 'deliveries', 'failed at', 'error'],
    letters.map((each) => [
      `${each.partition}/${each.offset}`,
      each.key ?? '-',
      each.group ?? '-',
      each.reason ?? '-',
      each.delivery_count,
      each.last_failed_at ?? '-',
      each.error.replaceAll('\n', ' ').slice(0, ERROR_CHARS),
    ]),
  )
}

const addShow = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'show <topic> <partition> <offset>',
    'Show one dead letter with its history',
    (command) =>
      formatOption(brokerOptions(topicName(command)))
        .positional('partition', {
          type: 'string',
          demandOption: true,
          describe: 'Of the dead letter, as `dlq list` has it before the slash',
          coerce: integer('partition', { min: 0, max: LIMITS.topicPartitionsMax - 1 }),
        })
        .positional('offset', {
          type: 'string',
          demandOption: true,
          describe: 'Of the dead letter, behind the slash',
          coerce: integer('offset', { min: 0, max: Number.MAX_SAFE_INTEGER }),
        })
        .example('$0 dlq show orders 0 3', ''),
    async ({ topic, partition, offset, url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ DeadLetters }, connection) => {
        for await (const letter of new DeadLetters(connection).list(topic)) {
          if (letter.partition !== partition || letter.offset !== offset) continue
          return out.result(letter, () => showLetter(out, letter))
        }
        throw new Failure(EXIT.ERROR, `${topic} has no dead letter ${partition}/${offset}`, {
          hint: '`goqueue dlq list <topic>` shows those there are',
        })
      })
    },
  )

function showLetter(out: Output, letter: DeadLetter): void {
  const { original, record, value, headers = {}, ...rest } = letter
  const facts = {
    ...rest,
    ...(original === null ? {} : { original: placeOf(original) }),
    ...(record === null ? {} : { died_as: placeOf(record) }),
    ...headers,
  }
  for (const [name, fact] of Object.entries(facts)) {
    out.line(`${out.colours.dim(name)} ${fact ?? '-'}`)
  }
  out.line('')
  out.line(value ?? out.colours.dim('(null)'))
}

const placeOf = ({
  topic,
  partition,
  offset,
  timestamp,
}: NonNullable<DeadLetter['original']>): string => `${topic} ${partition}/${offset} of ${timestamp}`
