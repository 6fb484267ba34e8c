import type { Argv } from 'yargs'
import type { Floors, GroupReply, PolicyReply } from '../../client/index.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, formatOption } from '../options.ts'
import { humanCount, type Output, plural } from '../output.ts'
import { groupName, topicOption } from './groupOptions.ts'

/** One partition of a group's topics. */
interface PartitionRow {
  readonly topic: string
  readonly partition: number
  /** Null where nothing was committed. */
  readonly committed: number | null
  /** Records that the group has not committed; null where the partition does not serve. */
  readonly lag: number | null
  /** Null where nobody holds it. */
  readonly member_id: string | null
}

export const addDescribe = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'describe <group>',
    'Show the members of a group, what is assigned to each, and the lag of each partition',
    (command) =>
      formatOption(brokerOptions(groupName(command)))
        .example('$0 group describe billing', '')
        .example("$0 group describe billing | jq '[.partitions[].lag] | add'", 'all that is left'),
    async ({ group, url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const admin = new Admin(connection)
        const [described, floors, policy] = await Promise.all([
          admin.describeGroup(group),
          admin.groupOffsets(group),
          admin.deliveryPolicy({ group }),
        ])
        const partitions = rowsOf(described, floors)
        const { ack_durability } = policy.in_force
        out.result({ ...described, ack_durability, partitions }, () => {
          showGroup(out, { ...described, ack_durability }, partitions)
        })
      })
    },
  )

export const addOffsets = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'offsets <group>',
    'Show what a group has committed: of each partition the next offset to be read',
    (command) =>
      topicOption(formatOption(brokerOptions(groupName(command))))
        .example('$0 group offsets billing', '')
        .example('$0 group offsets billing --topic orders > before.json', 'to keep it'),
    async ({ group, url, output, topic }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const offsets = await new Admin(connection).groupOffsets(group, topic)
        out.result({ group_id: group, offsets }, () => {
          const rows = Object.entries(offsets).flatMap(([name, partitions]) =>
            Object.entries(partitions).map(([partition, offset]) => [name, partition, offset]),
          )
          if (rows.length === 0) out.note('nothing is committed')
          else out.table(['topic', 'partition', 'committed'], rows)
        })
      })
    },
  )

function rowsOf({ lag, members }: GroupReply, floors: Floors): readonly PartitionRow[] {
  const holders = new Map(
    members.flatMap(({ member_id, assigned_partitions }) =>
      assigned_partitions.map((name) => [name, member_id] as const),
    ),
  )
  const topics = [...new Set([...Object.keys(lag), ...Object.keys(floors)])].sort()
  return topics.flatMap((topic) => {
    const known = { ...floors[topic], ...lag[topic] }
    return Object.keys(known).map((partition) => ({
      topic,
      partition: Number(partition),
      committed: floors[topic]?.[partition] ?? null,
      lag: lag[topic]?.[partition] ?? null,
      member_id: holders.get(`${topic}-${partition}`) ?? null,
    }))
  })
}

/** With what its acks and commits survive, where no topic asks for more. */
interface Described extends GroupReply {
  readonly ack_durability: PolicyReply['in_force']['ack_durability']
}

function showGroup(out: Output, group: Described, partitions: readonly PartitionRow[]): void {
  const { colours } = out
  const { state, mode, generation, members, ack_durability } = group
  const painted = state === 'stable' ? colours.green(state) : colours.yellow(state)
  const facts = `mode ${mode}, generation ${generation}, ${plural(members.length, 'member')}`
  const left = partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0)
  out.line(`${colours.bold(group.group_id)}  ${painted}, ${facts}, lag ${humanCount(left)}`)
  if (ack_durability === 'all') out.line('acks and commits survive a power cut from their reply on')
  if (members.length > 0) {
    out.line('')
    out.table(
      ['member', 'client', 'partitions', 'last seen', 'session'],
      members.map((member) => [
        member.member_id,
        member.client_id,
        member.assigned_partitions.length,
        shownTime(member.last_heartbeat),
        member.session_timeout,
      ]),
    )
  }
  if (partitions.length === 0) return
  out.line('')
  out.table(
    ['topic', 'partition', 'committed', 'lag', 'member'],
    partitions.map(({ topic, partition, committed, lag, member_id }) => [
      topic,
      partition,
      committed ?? '-',
      lag ?? '?',
      member_id ?? '-',
    ]),
  )
}

/** `2026-01-31T12:00:00Z`: nobody counts heartbeats in milliseconds. */
const shownTime = (time: string): string => time.replace(/\.\d+Z$/, 'Z')
