/** The options of `goqueue produce`: what a message is made of, and where the lines come from. */
import type { Argv } from 'yargs'
import { LIMITS } from '../../kernel/limits.ts'
import { PRIORITIES, type Priority, parsePriority } from '../../kernel/priority.ts'
import { DAY_MS } from '../../kernel/units.ts'
import { UsageError } from '../failureReport.ts'
import { brokerOptions, duration, formatOption, integer, oneOf, text } from '../options.ts'
import { whenOptions } from '../when.ts'

export const produceOptions = <T>(yargs: Argv<T>) =>
  inputOptions(whenOptions(messageOptions(formatOption(brokerOptions(positionals(yargs))))))

const positionals = <T>(yargs: Argv<T>) =>
  yargs
    .positional('topic', { type: 'string', demandOption: true, describe: 'The topic' })
    .positional('value', {
      type: 'string',
      describe: 'The message; without it lines are read (after -- it may begin with a dash)',
    })

const messageOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('key', {
      alias: 'k',
      describe: 'Key: messages with one key stay in order, in one partition',
      coerce: text('key'),
      requiresArg: true,
    })
    .option('partition', {
      alias: 'p',
      describe: 'Partition, whatever the key says',
      coerce: integer('partition', { min: 0, max: LIMITS.topicPartitionsMax - 1 }),
      requiresArg: true,
    })
    .option('priority', {
      describe: `One of ${PRIORITIES.join(', ')}, or 0 to 4`,
      coerce: priorityOption,
      requiresArg: true,
    })
    .option('header', {
      alias: 'H',
      array: true,
      string: true,
      describe: 'A header, name=value; may be given again',
    })
    .option('tombstone', {
      boolean: true,
      default: false,
      describe: 'Publish a key without a value',
    })
    .option('acks', {
      describe: 'What to wait for: none, leader (in memory) or all (on disk) [all]',
      coerce: (value: unknown) => oneOf('acks', ['none', 'leader', 'all'], value),
      requiresArg: true,
    })
    .option('timeout', {
      describe: 'Give a message up that was not acknowledged for so long, retries included [2m]',
      coerce: duration('timeout', { minMs: 1, maxMs: DAY_MS }),
      requiresArg: true,
    })

const inputOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('file', {
      alias: 'f',
      describe: 'Read lines from this file instead of standard input',
      coerce: text('file'),
      requiresArg: true,
    })
    .option('key-field', {
      describe: 'Lines are JSON objects, and this field is the key; the whole line is the value',
      coerce: text('key-field'),
      requiresArg: true,
    })
    .option('value-field', {
      describe: 'Only this field of a line is the value',
      coerce: text('value-field'),
      requiresArg: true,
    })
    .option('priority-field', {
      describe: 'This field of a line is the priority',
      coerce: text('priority-field'),
      requiresArg: true,
    })
    .conflicts('key', 'key-field')
    .conflicts('priority', 'priority-field')
    .example('$0 produce orders \'{"id":1}\' -k customer-7', 'one message')
    .example('$0 produce quakes --key-field net -f quakes.ndjson', 'a file, keyed by a field')
    .example('$0 produce reminders "call back" --delay 30m', 'in half an hour')
    .example('tail -f app.log | $0 produce logs', 'lines as they come')

/** `name=value` or `name: value`. */
export function parseHeader(written: string): [string, string] {
  const [, name, value] = /^([^=:]+)[=:]\s*(.*)$/s.exec(written) ?? []
  if (name !== undefined && value !== undefined) return [name.trim(), value]
  throw new UsageError(`--header must be name=value, not "${written}"`)
}

function priorityOption(value: unknown): Priority | undefined {
  const given = text('priority')(value)
  const priority = given === undefined ? undefined : parsePriority(given)
  if (given === undefined || priority !== undefined) return priority
  throw new UsageError(`--priority must be one of ${PRIORITIES.join(', ')}, not "${given}"`)
}
