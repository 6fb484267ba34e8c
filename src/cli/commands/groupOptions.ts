/** What the commands of `goqueue group` have in common. */
import type { Argv } from 'yargs'
import { LIMITS } from '../../kernel/limits.ts'
import { UsageError } from '../failureReport.ts'
import { integer, text } from '../options.ts'

export const groupName = <T>(yargs: Argv<T>) =>
  yargs.positional('group', { type: 'string', demandOption: true, describe: 'The group' })

export const topicOption = <T>(yargs: Argv<T>) =>
  yargs.option('topic', {
    alias: 't',
    describe: 'Only this topic [all of the group]',
    coerce: text('topic'),
    requiresArg: true,
  })

const partitionOf = integer('partition', { min: 0, max: LIMITS.topicPartitionsMax - 1 })

/** `-p 0 -p 3`, also `-p 0,3`. */
export const partitionsOption = <T>(yargs: Argv<T>) =>
  yargs.option('partition', {
    alias: 'p',
    describe: 'Only this partition of the topic; may be given again, or as 0,3',
    coerce: (value: unknown): readonly number[] | undefined => {
      if (value === undefined) return undefined
      const given = [value].flat().flatMap((each) => String(each).split(','))
      const partitions = given.map((each) => partitionOf(each) ?? -1)
      if (!partitions.includes(-1)) return partitions
      throw new UsageError('--partition must be a number, or several as 0,3')
    },
    requiresArg: true,
  })
