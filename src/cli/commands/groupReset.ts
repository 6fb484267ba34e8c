import type { Argv } from 'yargs'
import type { Admin, GroupResets, ResetGroup } from '../../client/index.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { brokerOptions, formatOption, integer, text } from '../options.ts'
import { type Output, plural } from '../output.ts'
import { parseMoment } from '../startAt.ts'
import { groupName, partitionsOption, topicOption } from './groupOptions.ts'

type Target = ResetGroup['to']

export const addReset = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'reset <group>',
    'Move what a group has committed, of partitions that no member holds',
    (command) => resetOptions(command),
    async (options) => {
      const out = outputFor(cli, options.output)
      const to = targetOf(options)
      const { group, topic, partition: partitions, dryRun } = options
      if (partitions !== undefined && topic === undefined) {
        throw new UsageError('--partition needs a --topic')
      }
      await withConnection(cli, options.url, async (client, connection) => {
        const admin = new client.Admin(connection)
        const topics = topic === undefined ? await topicsOf(admin, group) : [topic]
        const asked = topics.map((name) => ({ group, topic: name, partitions, to }))
        // A refusal of one is to come before any of the others is moved.
        const rehearsed = await resetAll(admin, asked, true)
        const moved = dryRun ? rehearsed : await resetAll(admin, asked, false)
        const result = { group_id: group, dry_run: dryRun, offsets: moved }
        out.result(result, () => showMoves(out, moved, dryRun))
      })
    },
  )

const resetOptions = <T>(yargs: Argv<T>) =>
  partitionsOption(topicOption(formatOption(brokerOptions(groupName(yargs)))))
    .option('to-earliest', {
      boolean: true,
      default: false,
      describe: 'To the first message there is',
    })
    .option('to-latest', {
      boolean: true,
      default: false,
      describe: 'Behind the last message there is',
    })
    .option('to-offset', {
      describe: 'To this offset, or the nearer end of what there is',
      coerce: integer('to-offset', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      requiresArg: true,
    })
    .option('to-time', {
      describe: 'To the first message at or after a time (RFC 3339) or a duration back from now',
      coerce: momentOf,
      requiresArg: true,
    })
    .option('dry-run', {
      boolean: true,
      default: false,
      describe: 'Only show what would be moved',
    })
    .example('$0 group reset billing --to-earliest --dry-run', 'what would be read again?')
    .example('$0 group reset billing -t orders --to-time 2h', 'the last two hours again')
    .example('$0 group reset billing -t orders -p 0,3 --to-offset 1200', 'two partitions')

function momentOf(value: unknown): number | undefined {
  const given = text('to-time')(value)
  const timeMs = given === undefined ? undefined : parseMoment(given, Date.now())
  if (given === undefined || timeMs !== undefined) return timeMs
  const example = 'a time such as 2026-01-31T12:00:00Z or a duration such as 2h'
  throw new UsageError(`--to-time must be ${example}, not "${given}"`)
}

interface TargetOptions {
  readonly toEarliest: boolean
  readonly toLatest: boolean
  readonly toOffset?: number | undefined
  readonly toTime?: number | undefined
}

function targetOf({ toEarliest, toLatest, toOffset, toTime }: TargetOptions): Target {
  const targets: Target[] = [
    ...(toEarliest ? ['earliest' as const] : []),
    ...(toLatest ? ['latest' as const] : []),
    ...(toOffset === undefined ? [] : [{ offset: toOffset }]),
    ...(toTime === undefined ? [] : [{ time: toTime }]),
  ]
  const [target] = targets
  if (target !== undefined && targets.length === 1) return target
  throw new UsageError(
    'say where to, once: --to-earliest, --to-latest, --to-offset or --to-time',
    '`goqueue group reset --help` has examples',
  )
}

/** Every topic that the group reads or has committed something of. */
async function topicsOf(admin: Admin, group: string): Promise<readonly string[]> {
  const [{ lag }, floors] = await Promise.all([
    admin.describeGroup(group),
    admin.groupOffsets(group),
  ])
  return [...new Set([...Object.keys(lag), ...Object.keys(floors)])].sort()
}

async function resetAll(
  admin: Admin,
  asked: readonly ResetGroup[],
  dryRun: boolean,
): Promise<GroupResets> {
  const moved: GroupResets = {}
  for (const each of asked) Object.assign(moved, await admin.resetGroup({ ...each, dryRun }))
  return moved
}

function showMoves(out: Output, moved: GroupResets, dryRun: boolean): void {
  const rows = Object.entries(moved).flatMap(([topic, partitions]) =>
    Object.entries(partitions).map(([partition, { before, after }]) => ({
      cells: [topic, partition, before ?? '-', after],
      isMoved: before !== after,
    })),
  )
  if (rows.length === 0) {
    out.note('the group has committed nothing: name a --topic')
    return
  }
  out.table(
    ['topic', 'partition', 'before', 'after'],
    rows.map(({ cells }) => cells),
  )
  const changed = plural(rows.filter(({ isMoved }) => isMoved).length, 'partition')
  out.note(dryRun ? `${changed} would be moved; nothing was` : `${changed} moved`)
}
