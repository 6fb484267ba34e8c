/** The page docs/cli.md: the help of every command, as the commands print it. */
import { PassThrough } from 'node:stream'
import { EXIT_MEANINGS } from '../kernel/exitCodes.ts'
import { run } from './run.ts'

const COMMANDS: readonly string[] = [
  '',
  'serve',
  'topic create',
  'topic list',
  'topic describe',
  'topic configure',
  'topic delivery',
  'topic delete',
  'produce',
  'consume',
  'group list',
  'group describe',
  'group offsets',
  'group delivery',
  'group reset',
  'group delete',
  'work',
  'ack',
  'nack',
  'reject',
  'dlq list',
  'dlq show',
  'dlq redrive',
  'dlq tasks',
  'dlq cancel',
  'delayed list',
  'delayed show',
  'delayed cancel',
  'delayed reschedule',
  'delayed stats',
  'priority',
  'top',
  'health',
  'doctor',
  'config',
  'dump',
  'backup',
  'restore',
  'version',
]

const introduction = (): string => `# Command line

<!-- Made by \`npm run docs\` from the commands' own help; a test fails when it is stale. -->

Results go to standard output: tables and text on a terminal, JSON elsewhere (\`-o\` decides otherwise), so that
\`goqueue topic describe orders | jq .total_messages\` needs no flag. Everything meant for people's eyes only goes to
standard error. \`NO_COLOR\` is honoured. \`--url\` or \`GOQUEUE_URL\` names the broker.

## Exit codes

An error is one line and a hint, and an exit code that scripts may rely on:

| Code | Meaning |
|---|---|
${exitCodeRows().join('\n')}
`

const exitCodeRows = (): readonly string[] =>
  Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `| ${code} | ${meaning} |`)

/** The text of docs/cli.md. */
export async function commandLinePage(): Promise<string> {
  const sections: string[] = []
  for (const command of COMMANDS) {
    const title = `goqueue ${command}`.trim()
    sections.push(`## ${title}\n\n\`\`\`text\n${await helpOf(command)}\n\`\`\`\n`)
  }
  return `${introduction()}\n${sections.join('\n')}`
}

async function helpOf(command: string): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const words = command.split(' ').filter((word) => word !== '')
  await run([...words, '--help'], { stdin, stdout, stderr, env: {} })
  const lines = String(stdout.read()).trimEnd().split('\n')
  return lines.map((line) => line.trimEnd()).join('\n')
}
