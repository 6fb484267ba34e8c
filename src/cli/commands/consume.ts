import type { Argv } from 'yargs'
import { LIMITS } from '../../kernel/limits.ts'
import { DAY_MS } from '../../kernel/units.ts'
import { type Cli, untilInterrupted } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { brokerOptions, duration, integer, oneOf, text } from '../options.ts'
import { consumeByAck } from './ackConsume.ts'
import { consumeInGroup } from './consumeGroup.ts'
import { consumeTopic } from './consumeTopic.ts'
import type { Consumption } from './consumption.ts'

/** `goqueue consume`: reads a topic by offset, or topics as a member of a group. */
export const consumeCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'consume <topics..>',
    'Read messages: all there are, or with -f those to come too',
    (command) => groupOptions(consumeOptions(brokerOptions(command))),
    (options) => untilInterrupted(cli, () => consume(cli, options)),
  )

const consumeOptions = <T>(yargs: Argv<T>) =>
  yargs
    .positional('topics', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'The topic; with --group there may be several',
    })
    .option('partition', {
      alias: 'p',
      describe: 'Only this partition [all of them]',
      coerce: integer('partition', { min: 0, max: LIMITS.topicPartitionsMax - 1 }),
      requiresArg: true,
    })
    .option('from', {
      describe: 'beginning, end, an offset, a time (RFC 3339) or a duration back from now',
      coerce: text('from'),
      default: 'beginning',
      requiresArg: true,
    })
    .option('follow', {
      alias: 'f',
      boolean: true,
      default: false,
      describe: 'Go on with what comes, until Ctrl-C',
    })
    .option('count', {
      alias: 'n',
      describe: 'Stop after so many messages',
      coerce: integer('count', { min: 1, max: Number.MAX_SAFE_INTEGER }),
      requiresArg: true,
    })
    .option('output', {
      alias: 'o',
      describe: "text, json, value or a template '{key}={value}' [text on a terminal, else json]",
      coerce: text('output'),
      requiresArg: true,
    })
    .example('$0 consume orders', 'all there is')
    .example('$0 consume orders --from end -f', 'what comes from now on')
    .example('$0 consume orders --from 10m -o value', 'the values of the last ten minutes')
    .example("$0 consume orders -p 0 --from 42 -n 1 -o '{key} {value}'", 'one message')

const groupOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('group', {
      alias: 'g',
      describe: 'Share the partitions with the other members of this group, and go on where it is',
      coerce: text('group'),
      requiresArg: true,
    })
    .option('commit-interval', {
      describe: 'With --group: how often what was written is committed, and at the end [5s]',
      coerce: duration('commit-interval', { minMs: 1, maxMs: DAY_MS }),
      requiresArg: true,
    })
    .option('session-timeout', {
      describe: 'With --group: silence after which the partitions are given to others [30s]',
      coerce: duration('session-timeout', {
        minMs: LIMITS.sessionTimeoutMsMin,
        maxMs: LIMITS.sessionTimeoutMsMax,
      }),
      requiresArg: true,
    })
    .option('mode', {
      describe: 'With --group: offset, or ack: messages one by one, acknowledged once written',
      coerce: (value: unknown) => oneOf('mode', ['offset', 'ack'], value),
      default: 'offset',
      requiresArg: true,
    })
    .option('hold', {
      describe:
        'With --mode ack: acknowledge nothing; hold so long what is shown, for `goqueue ack`',
      coerce: duration('hold', {
        minMs: LIMITS.sessionTimeoutMsMin,
        maxMs: LIMITS.sessionTimeoutMsMax,
      }),
      requiresArg: true,
    })
    .example('$0 consume orders --group billing -f', 'a member of a group; start several')
    .example('$0 consume jobs -g crew --mode ack --hold 5m -n 1', 'one, with its receipt')

interface ConsumeOptions extends Consumption {
  readonly topics: readonly string[]
  readonly partition?: number | undefined
  readonly group?: string | undefined
  readonly commitInterval?: number | undefined
  readonly sessionTimeout?: number | undefined
  readonly mode: 'offset' | 'ack'
  readonly hold?: number | undefined
}

async function consume(cli: Cli, { topics, group, ...options }: ConsumeOptions): Promise<void> {
  const [topic = '', ...more] = topics
  if (options.mode === 'ack' && group === undefined)
    throw new UsageError('--mode is for groups: add --group')
  if (options.mode === 'offset' && options.hold !== undefined)
    throw new UsageError('--hold is for --mode ack')
  if (group !== undefined) {
    if (options.partition !== undefined) {
      throw new UsageError('--partition is not for groups: the group says who reads which')
    }
    if (options.mode === 'ack') return await consumeByAck(cli, { ...options, group, topics })
    return await consumeInGroup(cli, { ...options, group, topics })
  }
  if (more.length > 0) throw new UsageError('several topics are for groups: add --group')
  if (options.commitInterval !== undefined || options.sessionTimeout !== undefined) {
    throw new UsageError('--commit-interval and --session-timeout are for groups: add --group')
  }
  return await consumeTopic(cli, { ...options, topic })
}
