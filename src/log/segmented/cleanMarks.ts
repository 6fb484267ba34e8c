/**
 * Which logs were closed in order: the file CLEAN, `{"logs":["topics/orders~1/0",…]}`.
 *
 * The file is there only while nobody has the directory open, so a crash leaves none and every log counts as
 * unclean. A log that this process never opened keeps the mark it had.
 */
import { join } from 'node:path'
import { type FileSystem, readWholeFile, writeFileAtomically } from '../../io/index.ts'

const CLEAN_FILE = 'CLEAN'

export class CleanMarks {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #logs: Set<string>

  private constructor(fileSystem: FileSystem, directory: string, logs: Set<string>) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#logs = logs
  }

  /** Reads the marks and takes the file away. */
  static async take(fileSystem: FileSystem, directory: string): Promise<CleanMarks> {
    const path = join(directory, CLEAN_FILE)
    const bytes = await readWholeFile(fileSystem, path)
    if (bytes !== undefined) {
      await fileSystem.remove(path)
      await fileSystem.syncDirectory(directory)
    }
    return new CleanMarks(fileSystem, directory, parseMarks(bytes))
  }

  /** Takes the mark of a log that is about to be opened: true where it had one. */
  claim(path: string): boolean {
    return this.#logs.delete(path)
  }

  add(path: string): void {
    this.#logs.add(path)
  }

  /** Forgets a log that was removed, and all below. */
  forget(path: string): void {
    for (const each of this.#logs) {
      if (each === path || each.startsWith(`${path}/`)) this.#logs.delete(each)
    }
  }

  /** Resolves when the marks are on disk. */
  async write(): Promise<void> {
    const text = `${JSON.stringify({ logs: [...this.#logs].sort() })}\n`
    await writeFileAtomically(
      this.#fileSystem,
      join(this.#directory, CLEAN_FILE),
      Buffer.from(text),
    )
  }
}

function parseMarks(bytes: Buffer | undefined): Set<string> {
  if (bytes === undefined) return new Set()
  try {
    const parsed: unknown = JSON.parse(bytes.toString())
    if (typeof parsed !== 'object' || parsed === null || !('logs' in parsed)) return new Set()
    return new Set(Array.isArray(parsed.logs) ? parsed.logs.map(String) : [])
  } catch {
    return new Set()
  }
}
