import type { Argv } from 'yargs'
import type { PartitionsReply, TopicReply } from '../../api/index.ts'
import { formatDurationMs } from '../../kernel/duration.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, formatOption, integer } from '../options.ts'
import { humanBytes, humanCount, type Output, plural } from '../output.ts'
import { describeAll, unless } from '../several.ts'
import { addTopicDelivery } from './deliveryPolicy.ts'
import { topicConfigOptions, topicName, wireConfig } from './topicOptions.ts'

/** `goqueue topic create|list|describe|configure|delivery|delete`. */
export const topicCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command('topic', 'Create, list, describe, configure and delete topics', (topics) => {
    const adds = [addCreate, addList, addDescribe, addConfigure, addTopicDelivery, addDelete]
    for (const add of adds) add(topics, cli)
    return topics.demandCommand(1, 'say what to do with topics: create, list, describe, …')
  })

const addCreate = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'create <name>',
    'Create a topic',
    (command) =>
      topicConfigOptions(formatOption(brokerOptions(topicName(command))))
        .option('partitions', {
          alias: 'p',
          describe: "Number of partitions [the broker's default]",
          coerce: integer('partitions', { min: 1, max: LIMITS.topicPartitionsMax }),
          requiresArg: true,
        })
        .option('if-not-exists', {
          boolean: true,
          default: false,
          describe: 'A topic of that name is no error',
        })
        .example('$0 topic create orders', 'with the default number of partitions')
        .example('$0 topic create orders -p 12 --retention 7d', 'twelve, kept for a week'),
    async ({ name, url, output, partitions, ifNotExists, ...options }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const asked = new Admin(connection).createTopic({
          name,
          partitions,
          config: wireConfig(options),
        })
        const made = await unless('TOPIC_EXISTS', ifNotExists, asked)
        out.result(made ?? { name, created: false }, () => {
          if (made === undefined) out.line(`topic ${name} was there already`)
          else out.line(`created topic ${name} with ${plural(made.partitions, 'partition')}`)
        })
      })
    },
  )

const addList = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    ['list', 'ls'],
    'List topics',
    (command) => formatOption(brokerOptions(command)).example('$0 topic list', ''),
    async ({ url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const admin = new Admin(connection)
        const names = await admin.listTopics()
        if (out.format === 'json') return out.result({ topics: names }, () => undefined)
        if (names.length === 0) return out.note('no topics yet; `goqueue topic create` makes one')
        const topics = await describeAll(names, 'TOPIC_NOT_FOUND', (name) =>
          admin.describeTopic(name),
        )
        out.table(
          ['topic', 'partitions', 'messages', 'size'],
          topics.map((topic) => [
            topic.name,
            topic.partitions,
            humanCount(topic.total_messages),
            humanBytes(topic.total_size_bytes),
          ]),
        )
      })
    },
  )

const addDescribe = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'describe <name>',
    'Show the partitions, offsets and configuration of a topic',
    (command) =>
      formatOption(brokerOptions(topicName(command))).example('$0 topic describe orders', ''),
    async ({ name, url, output }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const admin = new Admin(connection)
        const topic = await admin.describeTopic(name)
        if (out.format === 'json') return out.result(topic, () => undefined)
        showTopic(out, topic, await admin.partitionsOf(name))
      })
    },
  )

function showTopic(
  out: Output,
  topic: TopicReply,
  partitions: PartitionsReply['partitions'],
): void {
  const messages = plural(topic.total_messages, 'message')
  out.line(`${out.colours.bold(topic.name)}  ${messages}, ${humanBytes(topic.total_size_bytes)}`)
  for (const [key, value] of Object.entries(topic.config)) {
    out.line(`  ${out.colours.dim(key)} ${shownSetting(key, value)}`)
  }
  out.line('')
  out.table(
    ['partition', 'earliest', 'latest', 'size', 'segments'],
    partitions.map((each) => [
      each.partition,
      each.earliest,
      each.latest,
      humanBytes(each.size_bytes),
      each.segments,
    ]),
  )
}

function shownSetting(key: string, value: unknown): string {
  if (value === null) return 'none'
  if (typeof value !== 'number') return String(value)
  if (/ms$/i.test(key)) return formatDurationMs(value)
  return /bytes/i.test(key) ? humanBytes(value) : String(value)
}

const addConfigure = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'configure <name>',
    'Change the configuration of a topic; what is not named stays',
    (command) =>
      topicConfigOptions(formatOption(brokerOptions(topicName(command)))).example(
        '$0 topic configure orders --retention 30d',
        'keep a month from now on',
      ),
    async ({ name, url, output, ...options }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const topic = await new Admin(connection).configureTopic(name, wireConfig(options))
        out.result(topic, () => {
          const settings = Object.entries(topic.config)
          out.table(
            ['setting', 'value'],
            settings.map(([key, value]) => [key, shownSetting(key, value)]),
          )
        })
      })
    },
  )

const addDelete = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    ['delete <name>', 'rm <name>'],
    'Delete a topic and everything in it',
    (command) =>
      formatOption(brokerOptions(topicName(command)))
        .option('if-exists', {
          boolean: true,
          default: false,
          describe: 'No topic of that name is no error',
        })
        .example('$0 topic delete orders', ''),
    async ({ name, url, output, ifExists }) => {
      const out = outputFor(cli, output)
      await withConnection(cli, url, async ({ Admin }, connection) => {
        const asked = new Admin(connection).deleteTopic(name).then(() => true)
        const deleted = (await unless('TOPIC_NOT_FOUND', ifExists, asked)) ?? false
        out.result({ deleted, name }, () => {
          out.line(deleted ? `deleted topic ${name}` : `there was no topic ${name}`)
        })
      })
    },
  )
