import type { Argv } from 'yargs'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { UsageError } from '../failureReport.ts'
import { brokerOptions, formatOption, text } from '../options.ts'
import { humanBytes, plural } from '../output.ts'
import { startProgress } from '../progress.ts'

interface BackupOptions {
  readonly url: string | undefined
  readonly out: string
  readonly force: boolean
  readonly output: 'table' | 'json' | undefined
}

/** `goqueue backup`: everything a running broker holds, in one file. */
export const backupCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'backup',
    'Save everything a running broker holds, as it is at this moment, in one file',
    (command) =>
      formatOption(brokerOptions(command))
        .option('out', {
          describe: 'The file to write, a tar; - for standard output',
          coerce: (value: unknown) => text('out')(value) ?? '',
          demandOption: true,
          requiresArg: true,
        })
        .option('force', {
          boolean: true,
          default: false,
          describe: 'Replace a file that is there, once the new one is whole',
        })
        .example('$0 backup --out monday.tar', 'checked while it is written')
        .example('$0 backup --out - | zstd > monday.tar.zst', 'compressed on the way')
        .epilogue('`goqueue restore` makes a data directory of it; see docs/backup.md.'),
    async (options) => {
      if (options.out === '-') await toStandardOutput(cli, options)
      else await toFile(cli, options)
    },
  )

async function toFile(cli: Cli, { url, out, force, output }: BackupOptions): Promise<void> {
  const { checkFree, saveBackup } = await import('../../app/index.ts')
  if (!force) await checkFree(out)
  await withConnection(cli, url, async ({ Admin }, connection) => {
    const { sizeBytes, chunks } = await new Admin(connection).backup({ signal: cli.interrupted })
    const progress = startProgress(cli.io, sizeBytes, 'bytes')
    try {
      const saved = await saveBackup({
        ...{ backup: chunks, path: out, replace: force },
        onProgress: (bytes) => progress.update(bytes, bytes),
      })
      progress.stop()
      const { created, version, files } = saved
      const bytes = sizeBytes ?? files.reduce((sum, file) => sum + file.bytes, 0)
      const shown = outputFor(cli, output)
      shown.result({ file: out, bytes, files: files.length, created, version }, () => {
        shown.line(`${out}: ${humanBytes(bytes)}, ${plural(files.length, 'file')}, of ${created}`)
      })
    } finally {
      progress.stop()
    }
  })
}

async function toStandardOutput(cli: Cli, { url }: BackupOptions): Promise<void> {
  const out = outputFor(cli)
  if (out.isTerminal) {
    throw new UsageError(
      'a backup is not for a terminal',
      '--out monday.tar, or --out - | zstd > …',
    )
  }
  await withConnection(cli, url, async ({ Admin }, connection) => {
    const { chunks } = await new Admin(connection).backup({ signal: cli.interrupted })
    for await (const chunk of chunks) {
      if (out.readerGone) return
      await out.bytes(chunk)
    }
  })
}
