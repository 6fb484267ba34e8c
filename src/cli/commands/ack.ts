/** `goqueue ack|nack|reject`: settles messages by their receipts, as `goqueue consume --mode ack --hold` shows them. */
import type { Argv } from 'yargs'
import type { ReceiptResult, Receipts } from '../../client/index.ts'
import { EXIT } from '../../kernel/exitCodes.ts'
import { DAY_MS } from '../../kernel/units.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { lineGroups } from '../lines.ts'
import { brokerOptions, duration, formatOption, text } from '../options.ts'
import { type Format, plural } from '../output.ts'

export const ackCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'ack [receipts..]',
    'Settle leased messages: they are done',
    (command) =>
      receiptOptions(command)
        .example('$0 ack billing:orders:0:42:1:9f2c61d0', '')
        .example(
          "$0 consume orders -g billing --mode ack --hold 1m -o '{receipt}' | $0 ack --stdin",
          '',
        ),
    async (options) => {
      await settle(cli, options, 'acknowledged', (receipts, handles) => receipts.ack(handles))
    },
  )

export const nackCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'nack [receipts..]',
    'Give leased messages back as failed: they are handed out again, or are dead letters',
    (command) =>
      reasonOption(receiptOptions(command))
        .option('delay', {
          describe: "Until they are handed out again [the group's backoff]",
          coerce: duration('delay', { minMs: 0, maxMs: 7 * DAY_MS }),
          requiresArg: true,
        })
        .example('$0 nack billing:orders:0:42:1:9f2c61d0 --delay 5m', 'not before five minutes'),
    async ({ delay: delayMs, reason, ...options }) => {
      await settle(cli, options, 'requeued', (receipts, handles) =>
        receipts.nack(handles, { delayMs, ...(reason === undefined ? {} : { reason }) }),
      )
    },
  )

export const rejectCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'reject [receipts..]',
    'Send leased messages to the dead letters at once',
    (command) =>
      reasonOption(receiptOptions(command)).example(
        "$0 reject billing:orders:0:42:1:9f2c61d0 --reason 'no such customer'",
        '',
      ),
    async ({ reason, ...options }) => {
      await settle(cli, options, 'rejected', (receipts, handles) =>
        receipts.reject(handles, reason === undefined ? {} : { reason }),
      )
    },
  )

const receiptOptions = <T>(yargs: Argv<T>) =>
  formatOption(brokerOptions(yargs))
    .positional('receipts', { type: 'string', array: true, describe: 'Receipts of messages' })
    .option('stdin', {
      boolean: true,
      default: false,
      describe: 'Read receipts from standard input, one a line',
    })

const reasonOption = <T>(yargs: Argv<T>) =>
  yargs.option('reason', {
    describe: 'Kept with the message, for whoever looks at it as a dead letter',
    coerce: text('reason'),
    requiresArg: true,
  })

interface SettleOptions {
  readonly receipts?: readonly string[] | undefined
  readonly stdin: boolean
  readonly url: string | undefined
  readonly output: Format | undefined
}

type Say = (receipts: Receipts, handles: readonly string[]) => Promise<readonly ReceiptResult[]>

/** The broker takes so many at once. */
const RECEIPTS_AT_ONCE = 10_000
const LINE_BYTES_MAX = 1024

async function settle(cli: Cli, options: SettleOptions, done: string, say: Say): Promise<void> {
  const out = outputFor(cli, options.output)
  const handles = await receiptsOf(cli, options)
  const results: ReceiptResult[] = []
  await withConnection(cli, options.url, async ({ Receipts }, connection) => {
    const receipts = new Receipts(connection)
    for (let at = 0; at < handles.length; at += RECEIPTS_AT_ONCE) {
      results.push(...(await say(receipts, handles.slice(at, at + RECEIPTS_AT_ONCE))))
    }
  })
  const refused = results.filter(({ code }) => code !== undefined)
  const dead = results.filter((each) => each['dlq_topic'] !== undefined && done === 'requeued')
  out.result({ results }, () => {
    out.line(`${plural(results.length - refused.length - dead.length, 'message')} ${done}`)
    if (dead.length > 0) out.line(`${plural(dead.length, 'message')} had no try left: dead letters`)
  })
  for (const { receipt_handle, code } of refused) out.note(`${receipt_handle}: ${meaning(code)}`)
  if (refused.length > 0) cli.exitCode = EXIT.ERROR
}

async function receiptsOf(
  cli: Cli,
  { receipts = [], stdin }: SettleOptions,
): Promise<readonly string[]> {
  const handles = [...receipts]
  if (stdin) {
    for await (const lines of lineGroups(cli.io.stdin, LINE_BYTES_MAX)) {
      for (const { bytes } of lines) handles.push(bytes.toString().trim())
    }
  } else if (handles.length === 0) throw new UsageError('name a receipt, or say --stdin')
  return handles
}

const MEANINGS: Readonly<Record<string, string>> = {
  LEASE_LOST: 'the lease is over: the message was handed out again, or is settled otherwise',
  RECEIPT_NOT_FOUND: 'no such lease',
  INVALID_REQUEST: 'is no receipt',
}

const meaning = (code = ''): string => `${MEANINGS[code] ?? 'refused'} (${code})`
