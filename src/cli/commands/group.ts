import type { Argv } from 'yargs'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, formatOption } from '../options.ts'
import { humanCount } from '../output.ts'
import { describeAll, unless } from '../several.ts'
import { addGroupDelivery } from './deliveryPolicy.ts'
import { addDescribe, addOffsets } from './groupDescribe.ts'
import { groupName } from './groupOptions.ts'
import { addReset } from './groupReset.ts'

/** `goqueue group list|describe|offsets|delivery|reset|delete`. */
export const groupCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'group',
    'List, describe, configure, reset and delete consumer groups',
    (groups) => {
      const adds = [addList, addDescribe, addOffsets, addGroupDelivery, addReset, addDelete]
      for (const add of adds) add(groups, cli)
      return groups.demandCommand(1, 'say what to do with groups: list, describe, offsets, …')
    },
  )

const addList = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    ['list', 'ls'],
    'List groups',
    (command) => formatOption(brokerOptions(command)).example('$0 group list', ''),
    async ({ url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const admin = new Admin(connection)
        const names = await admin.listGroups()
        if (out.format === 'json') return out.result({ groups: names }, () => undefined)
        if (names.length === 0) {
          return out.note('no groups yet; `goqueue consume <topic> --group <group>` makes one')
        }
        const groups = await describeAll(names, 'GROUP_NOT_FOUND', (name) =>
          admin.describeGroup(name),
        )
        out.table(
          ['group', 'state', 'mode', 'members', 'topics', 'lag'],
          groups.map(({ group_id, state, mode, members, lag }) => [
            group_id,
            state,
            mode,
            members.length,
            Object.keys(lag).length,
            humanCount(sumOf(lag)),
          ]),
        )
      })
    },
  )

const sumOf = (lag: Readonly<Record<string, Readonly<Record<string, number>>>>): number =>
  Object.values(lag)
    .flatMap((partitions) => Object.values(partitions))
    .reduce((sum, each) => sum + each, 0)

const addDelete = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    ['delete <group>', 'rm <group>'],
    'Delete a group without members, with everything it committed',
    (command) =>
      formatOption(brokerOptions(groupName(command)))
        .option('if-exists', {
          boolean: true,
          default: false,
          describe: 'No group of that name is no error',
        })
        .example('$0 group delete billing', ''),
    async ({ group, url, output, ifExists }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const asked = new Admin(connection).deleteGroup(group).then(() => true)
        const deleted = (await unless('GROUP_NOT_FOUND', ifExists, asked)) ?? false
        out.result({ deleted, group_id: group }, () => {
          out.line(deleted ? `deleted group ${group}` : `there was no group ${group}`)
        })
      })
    },
  )
