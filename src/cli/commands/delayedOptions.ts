/** What the commands of `goqueue delayed` have in common. */
import type { Argv } from 'yargs'
import { LIMITS } from '../../kernel/limits.ts'
import { integer } from '../options.ts'

export const topicName = <T>(yargs: Argv<T>) =>
  yargs.positional('topic', { type: 'string', demandOption: true, describe: 'The topic' })

/** Where one message waits: what `goqueue produce` said of it. */
export const delayedPlace = <T>(yargs: Argv<T>) =>
  topicName(yargs)
    .positional('partition', {
      type: 'string',
      demandOption: true,
      describe: 'Of the message, as `delayed list` has it before the slash',
      coerce: placeNumber('partition', LIMITS.topicPartitionsMax - 1),
    })
    .positional('offset', {
      type: 'string',
      demandOption: true,
      describe: 'Of the message in the delay log, behind the slash',
      coerce: placeNumber('offset', Number.MAX_SAFE_INTEGER),
    })

const placeNumber =
  (name: string, max: number) =>
  (value: unknown): number =>
    integer(name, { min: 0, max })(value) ?? 0
