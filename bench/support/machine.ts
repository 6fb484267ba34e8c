/** What the figures were taken on. */
import { execFileSync } from 'node:child_process'
import { arch, availableParallelism, cpus, release, tmpdir, totalmem, type } from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly kernel: string
  /** File system under the temporary directory, where all data of a run lies. */
  readonly fileSystem: string
}

const gib = (bytes: number): number => Math.round((bytes / 2 ** 30) * 10) / 10

function fileSystemOf(path: string): string {
  try {
    const rows = execFileSync('df', ['--output=fstype', path], { encoding: 'utf8' }).split('\n')
    return rows[1]?.trim() ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? arch(),
  cores: availableParallelism(),
  memoryGiB: gib(totalmem()),
  node: process.version,
  kernel: `${type()} ${release()}`,
  fileSystem: fileSystemOf(tmpdir()),
})
