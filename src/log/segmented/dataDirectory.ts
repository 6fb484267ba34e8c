/** Making a data directory that a power loss does not take away again. */
import { dirname, resolve } from 'node:path'
import { type FileSystem, isSystemError } from '../../io/index.ts'

/**
 * Makes `directory` where it is missing. Resolves when the entries that lead to it are on disk, as far as the
 * directories above are ours to read.
 */
export async function makeDataDirectory(fileSystem: FileSystem, directory: string): Promise<void> {
  await fileSystem.makeDirectory(directory)
  // All of them each time: a start that was cut short may have made some and synced none.
  let above = resolve(directory)
  while (above !== dirname(above)) {
    above = dirname(above)
    await syncIfReadable(fileSystem, above)
  }
}

async function syncIfReadable(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.syncDirectory(path)
  } catch (error) {
    // A directory that we may not open is not one that we made.
    const unreadable = ['EACCES', 'EPERM', 'EINVAL', 'EROFS']
    if (!unreadable.some((code) => isSystemError(error, code))) throw error
  }
}
