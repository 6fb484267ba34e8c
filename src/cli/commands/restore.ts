import type { Argv } from 'yargs'
import { type Cli, outputFor } from '../context.ts'
import { formatOption, text } from '../options.ts'
import { humanBytes, plural } from '../output.ts'
import { ownName } from '../ownName.ts'
import { startProgress } from '../progress.ts'

/** `goqueue restore`: a data directory from a backup. */
export const restoreCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'restore <file>',
    'Make a data directory from a backup, checked to the last record',
    (command) =>
      formatOption(command)
        .positional('file', {
          type: 'string',
          demandOption: true,
          describe: 'What `goqueue backup` wrote; - for standard input',
        })
        .option('data-dir', {
          describe: 'The directory to make; one that is there must be empty',
          coerce: (value: unknown) => text('data-dir')(value) ?? '',
          demandOption: true,
          requiresArg: true,
        })
        .example('$0 restore monday.tar --data-dir /var/lib/goqueue', 'wholly, or not at all')
        .example('zstd -dc monday.tar.zst | $0 restore - --data-dir new', 'from a pipe')
        .epilogue('Exit code 65: the backup is damaged. Nothing is left behind then.'),
    async ({ file, dataDir, output }) => {
      const { readFileChunks, restoreBackup } = await import('../../app/index.ts')
      // What yargs makes of a lone dash.
      const isPipe = file === '' || file === '-'
      const source = isPipe ? { chunks: cli.io.stdin } : await readFileChunks(file)
      const sizeBytes = 'sizeBytes' in source ? source.sizeBytes : undefined
      const progress = startProgress(cli.io, sizeBytes, 'bytes')
      const out = outputFor(cli, output)
      try {
        const { damaged, ...restored } = await restoreBackup({
          ...{ backup: source.chunks, directory: dataDir },
          onProgress: (bytes) => progress.update(bytes, bytes),
        })
        progress.stop()
        for (const name of damaged) out.note(`warning: ${name} was damaged when it was backed up`)
        out.result({ data_dir: dataDir, ...restored, damaged }, () => {
          const { files, bytes, created } = restored
          out.line(`${dataDir}: ${humanBytes(bytes)}, ${plural(files, 'file')}, of ${created}`)
          out.line(out.colours.dim(`next: ${ownName(cli.io.env)} serve --data-dir ${dataDir}`))
        })
      } finally {
        progress.stop()
      }
    },
  )
