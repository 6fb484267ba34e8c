/**
 * `goqueue group delivery` and `goqueue topic delivery`: how messages are delivered, shown and changed. One option for each
 * setting, named as it is; `default` takes back what was set.
 */
import type { Argv } from 'yargs'
import type { PolicyInput, PolicyOf, PolicyReply } from '../../client/index.ts'
import { parseDurationMs } from '../../kernel/duration.ts'
import { PRIORITIES } from '../../kernel/priority.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { brokerOptions, formatOption, text } from '../options.ts'
import { groupName } from './groupOptions.ts'
import { topicName } from './topicOptions.ts'

type SettingName = keyof PolicyReply['in_force']

interface PolicySetting {
  readonly describe: string
  /** The value as the contract has it; undefined where it is none. */
  readonly read: (given: string) => PolicyInput[SettingName]
  /** What it must be, after "must be". */
  readonly shape: string
}

const durationOf = (describe: string): PolicySetting => ({
  describe,
  read: (given) => (parseDurationMs(given) === undefined ? undefined : given),
  shape: 'a duration such as 30s or 5m',
})

const numberOf = (describe: string): PolicySetting => ({
  describe,
  read: (given) => (/^\d+(?:\.\d+)?$/.test(given) ? Number(given) : undefined),
  shape: 'a number',
})

/** `50,25,15,7,3` */
function weightsOf(given: string): PolicyInput['priority_weights'] {
  const weights = given.split(',').map((each) => (/^\d+$/.test(each) ? Number(each) : Number.NaN))
  if (weights.length !== PRIORITIES.length || weights.some(Number.isNaN)) return undefined
  const [critical = 0, high = 0, normal = 0, low = 0, background = 0] = weights
  return { critical, high, normal, low, background }
}

const SETTINGS: Readonly<Record<SettingName, PolicySetting>> = {
  visibility_timeout: durationOf('How long a lease lasts where the poll does not say'),
  max_retries: numberOf('Failures that are forgiven; the next one makes a dead letter'),
  backoff: durationOf('Wait after the first failure'),
  backoff_factor: numberOf('What the wait is multiplied by with each further failure'),
  backoff_max: durationOf('The longest of these waits'),
  backoff_jitter: numberOf('Part of the wait that is left to chance, 0 to 1'),
  max_in_flight: numberOf('Messages that one member may hold'),
  max_unresolved: numberOf('Messages of a partition that may be handed out and not settled'),
  priority_weights: {
    describe: 'Messages of each lane in a round, critical first, such as 50,25,15,7,3',
    read: weightsOf,
    shape: 'five whole numbers such as 50,25,15,7,3',
  },
  priority_boost: durationOf('A lane unserved for so long gets the next turn'),
  low_lanes_share_max: numberOf('Share of the slots that low and background may hold, 0 to 1'),
  ack_durability: {
    describe:
      'What hand-outs, acks and commits survive: leader a crash of the broker, all a power cut',
    read: (given) => (given === 'leader' || given === 'all' ? given : undefined),
    shape: 'leader or all',
  },
}

const flagOf = (setting: string): string => setting.replaceAll('_', '-')

const policyOptions = <T>(yargs: Argv<T>): Argv<T> => {
  for (const [setting, { describe }] of Object.entries(SETTINGS)) {
    const flag = flagOf(setting)
    yargs.option(flag, { describe, coerce: text(flag), requiresArg: true })
  }
  return yargs
}

/** What is to be changed; undefined where nothing was named. */
function changeOf(argv: Readonly<Record<string, unknown>>): PolicyInput | undefined {
  const change: Record<string, unknown> = {}
  for (const [setting, { read, shape }] of Object.entries(SETTINGS)) {
    const given = argv[flagOf(setting)]
    if (typeof given !== 'string') continue
    const value = given === 'default' ? null : read(given)
    if (value === undefined) {
      throw new UsageError(`--${flagOf(setting)} must be ${shape}, or default, not "${given}"`)
    }
    change[setting] = value
  }
  return Object.keys(change).length === 0 ? undefined : change
}

export const addGroupDelivery = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'delivery <group>',
    'Show how messages are delivered to a group, or change it; `default` takes a setting back',
    (command) =>
      policyOptions(formatOption(brokerOptions(groupName(command))))
        .example('$0 group delivery billing', '')
        .example('$0 group delivery billing --max-retries 10 --backoff 5s', '')
        .example('$0 group delivery billing --ack-durability all', 'acks survive a power cut'),
    async ({ group, ...argv }) => await showPolicy(cli, { group }, argv),
  )

export const addTopicDelivery = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'delivery <name>',
    'Show how messages of a topic are delivered where a group says nothing else, or change it',
    (command) =>
      policyOptions(formatOption(brokerOptions(topicName(command))))
        .example('$0 topic delivery signups --visibility-timeout 5m', '')
        .example('$0 topic delivery signups --visibility-timeout default', 'take it back'),
    async ({ name, ...argv }) => await showPolicy(cli, { topic: name }, argv),
  )

async function showPolicy(
  cli: Cli,
  of: PolicyOf,
  argv: Readonly<Record<string, unknown>> & {
    readonly url: string | undefined
    readonly output: 'table' | 'json' | undefined
  },
): Promise<void> {
  const out = outputFor(cli, argv.output)
  const change = changeOf(argv)
  await withConnection(cli, argv.url, async ({ Admin }, connection) => {
    const admin = new Admin(connection)
    const policy = await (change === undefined
      ? admin.deliveryPolicy(of)
      : admin.setDeliveryPolicy(of, change))
    out.result(policy, () => {
      const rows = Object.entries(policy.in_force).map(([setting, value]) => {
        const isSet = Object.hasOwn(policy.set, setting)
        return [flagOf(setting), shown(value), isSet ? 'here' : '']
      })
      out.table(['setting', 'in force', 'set'], rows)
    })
  })
}

const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null ? Object.values(value).join(',') : String(value)
