/** What the commands of `goqueue dlq` have in common. */
import type { Argv } from 'yargs'
import { oneOf, text } from '../options.ts'

const REASONS = ['max_retries', 'rejected'] as const

export const topicName = <T>(yargs: Argv<T>) =>
  yargs.positional('topic', {
    type: 'string',
    demandOption: true,
    describe: 'The topic that the letters came from',
  })

export const filterOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('group', {
      alias: 'g',
      describe: 'Only what this group gave up',
      coerce: text('group'),
      requiresArg: true,
    })
    .option('reason', {
      describe: `Only those with this reason: ${REASONS.join(' or ')}`,
      coerce: (value: unknown) =>
        value === undefined ? undefined : oneOf('reason', REASONS, value),
      requiresArg: true,
    })
    .option('key', {
      alias: 'k',
      describe: 'Only those with this key',
      coerce: text('key'),
      requiresArg: true,
    })
