/**
 * The version of a data directory. 2 added the lanes: marks in `.index`, which 1 takes for positions out of range, and
 * `.laneindex`. What 1 wrote is read by 2; its indexes are made again when their lanes are asked for.
 */
import { join } from 'node:path'
import { type FileSystem, readWholeFile, writeFileAtomically } from '../../io/index.ts'
import { BrokerError } from '../../kernel/errors.ts'

export const FORMAT_VERSION = 2
export const FORMAT_FILE = 'FORMAT'

/** Writes the version into a directory that has none, or an older one. Rejects with FORMAT_TOO_NEW, or STORAGE_ERROR where it is not one. */
export async function checkFormat(fileSystem: FileSystem, directory: string): Promise<void> {
  const path = join(directory, FORMAT_FILE)
  const format = await readFormat(fileSystem, directory)
  if (format === undefined) throw new BrokerError('STORAGE_ERROR', `${path} names no format`)
  if (format === FORMAT_VERSION) return
  if (format < FORMAT_VERSION) {
    const text = `${JSON.stringify({ format: FORMAT_VERSION })}\n`
    await writeFileAtomically(fileSystem, path, Buffer.from(text))
    return
  }
  throw new BrokerError(
    'FORMAT_TOO_NEW',
    `${directory} has format ${format}, this version knows up to ${FORMAT_VERSION}`,
  )
}

/** The version that `directory` says it has; 0 where it has none yet, undefined where it says nothing sensible. */
export async function readFormat(
  fileSystem: FileSystem,
  directory: string,
): Promise<number | undefined> {
  const bytes = await readWholeFile(fileSystem, join(directory, FORMAT_FILE))
  return bytes === undefined ? 0 : parseFormat(bytes)
}

function parseFormat(bytes: Buffer): number | undefined {
  try {
    const parsed: unknown = JSON.parse(bytes.toString())
    if (typeof parsed !== 'object' || parsed === null || !('format' in parsed)) return undefined
    return typeof parsed.format === 'number' && parsed.format >= 1 ? parsed.format : undefined
  } catch {
    return undefined
  }
}
