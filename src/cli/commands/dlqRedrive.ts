/** `goqueue dlq redrive|tasks|cancel`: bringing dead letters back is a task of the broker's, which goes on by itself. */
import type { Argv } from 'yargs'
import type { DeadLetters, RedriveTask } from '../../client/index.ts'
import { EXIT } from '../../kernel/exitCodes.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { brokerOptions, formatOption, integer, text } from '../options.ts'
import { type Output, plural } from '../output.ts'
import { parseMoment } from '../startAt.ts'
import { filterOptions, topicName } from './dlqOptions.ts'

/** How often a task that is waited for is looked at. */
const LOOK_MS = 100

export const addRedrive = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'redrive <topic>',
    'Bring dead letters back for another try, and wait until that is done',
    (command) => redriveOptions(filterOptions(formatOption(brokerOptions(topicName(command))))),
    async ({ topic, url, output, group, reason, key, ...options }) => {
      const out = outputFor(cli, output)
      const { from, to, rate, limit, dryRun: dry_run, detach } = options
      const filter = { group, reason, key, from_time: timeOf(from), to_time: timeOf(to) }
      await withConnection(cli, url, async ({ DeadLetters }, connection) => {
        const letters = new DeadLetters(connection)
        const body = defined({ filter: defined(filter), rate, limit, dry_run })
        const begun = await letters.redrive(topic, body)
        const task = detach ? begun : await ended(cli, letters, topic, begun)
        out.result(task, () => showTask(out, task))
        if (task.state === 'running' && !detach) out.note('it goes on: see `goqueue dlq tasks`')
        if (task.state === 'failed' || task.state === 'stopped') cli.exitCode = EXIT.ERROR
      })
    },
  )

const redriveOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('from', {
      describe: 'Only what died at or after a time (RFC 3339), or a duration back from now',
      coerce: momentOf('from'),
      requiresArg: true,
    })
    .option('to', {
      describe: 'Only what died before that',
      coerce: momentOf('to'),
      requiresArg: true,
    })
    .option('rate', {
      describe: 'At most so many a second [100]',
      coerce: integer('rate', { min: 1, max: LIMITS.redriveRateMax }),
      requiresArg: true,
    })
    .option('limit', {
      alias: 'n',
      describe: 'At most so many',
      coerce: integer('limit', { min: 1, max: Number.MAX_SAFE_INTEGER }),
      requiresArg: true,
    })
    .option('dry-run', { boolean: true, default: false, describe: 'Only count them' })
    .option('detach', {
      boolean: true,
      default: false,
      describe: 'Do not wait; the broker goes on by itself, also after a restart',
    })
    .example('$0 dlq redrive orders --dry-run', 'how many are there?')
    .example('$0 dlq redrive orders -g billing --from 2h --rate 10', 'slowly, the latest only')

export const addTasks = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'tasks <topic>',
    'List what brings dead letters back, or did lately',
    (command) => formatOption(brokerOptions(topicName(command))).example('$0 dlq tasks orders', ''),
    async ({ topic, url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ DeadLetters }, connection) => {
        const tasks = await new DeadLetters(connection).tasks(topic)
        out.result({ tasks }, () => {
          if (tasks.length === 0) return out.note('no redrives')
          out.table(
            ['task', 'state', 'matched', 'redriven', 'failed again', 'begun'],
            tasks.map((task) => [
              ...[task.task_id, task.state, task.matched, task.redriven, task.failed_again],
              task.created_at,
            ]),
          )
        })
      })
    },
  )

export const addCancel = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'cancel <topic> <task>',
    'End a redrive; what came back stays',
    (command) =>
      formatOption(brokerOptions(topicName(command)))
        .positional('task', { type: 'string', demandOption: true, describe: 'Its id' })
        .example('$0 dlq cancel orders redrive-3f9c2a7e01bd', ''),
    async ({ topic, task: id, url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ DeadLetters }, connection) => {
        const task = await new DeadLetters(connection).cancel(topic, id)
        out.result(task, () => showTask(out, task))
      })
    },
  )

/** The task as it ended, or as it was when the command was interrupted. */
async function ended(
  cli: Cli,
  letters: DeadLetters,
  topic: string,
  begun: RedriveTask,
): Promise<RedriveTask> {
  let task = begun
  const { interrupted } = cli
  while (task.state === 'running' && !interrupted.aborted) {
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_MS)
    })
    task = await letters.task(topic, task.task_id)
  }
  return task
}

function showTask(out: Output, task: RedriveTask): void {
  const { task_id, state, matched, redriven, failed_again, dry_run, error } = task
  const what = dry_run
    ? `${plural(matched, 'letter')} would come back; none did`
    : `${plural(redriven, 'letter')} came back`
  const again = failed_again === 0 ? '' : `, ${failed_again} died again`
  out.line(`${task_id} ${state}: ${what}${again}${error === undefined ? '' : `; ${error}`}`)
}

function momentOf(name: string): (value: unknown) => number | undefined {
  return (value) => {
    const given = text(name)(value)
    const timeMs = given === undefined ? undefined : parseMoment(given, Date.now())
    if (given === undefined || timeMs !== undefined) return timeMs
    const example = 'a time such as 2026-01-31T12:00:00Z or a duration such as 2h'
    throw new UsageError(`--${name} must be ${example}, not "${given}"`)
  }
}

const timeOf = (timeMs: number | undefined): string | undefined =>
  timeMs === undefined ? undefined : new Date(timeMs).toISOString()

/** Without what is undefined. */
const defined = <T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
