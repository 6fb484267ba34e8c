/** The version of a data directory. */
import { join } from 'node:path'
import { type FileSystem, readWholeFile, writeFileAtomically } from '../../io/index.ts'
import { BrokerError } from '../../kernel/errors.ts'

export const FORMAT_VERSION = 1
export const FORMAT_FILE = 'FORMAT'

/** Writes the version into a new directory. Rejects with FORMAT_TOO_NEW, or STORAGE_ERROR where it is not one. */
export async function checkFormat(fileSystem: FileSystem, directory: string): Promise<void> {
  const path = join(directory, FORMAT_FILE)
  const bytes = await readWholeFile(fileSystem, path)
  if (bytes === undefined) {
    const text = `${JSON.stringify({ format: FORMAT_VERSION })}\n`
    await writeFileAtomically(fileSystem, path, Buffer.from(text))
    return
  }
  const format = parseFormat(bytes)
  if (format === undefined) throw new BrokerError('STORAGE_ERROR', `${path} names no format`)
  if (format <= FORMAT_VERSION) return
  throw new BrokerError(
    'FORMAT_TOO_NEW',
    `${directory} has format ${format}, this version knows up to ${FORMAT_VERSION}`,
  )
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
