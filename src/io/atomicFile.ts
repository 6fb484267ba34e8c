/**
 * Files that are replaced as a whole: write beside, sync, rename over, sync the directory. After a crash
 * at any moment the old content is there, or the new one.
 */
import { dirname } from 'node:path'
import type { FileSystem } from './fileSystem.ts'
import { isSystemError } from './nodeFileSystem.ts'

/** What a half-written replacement is called; left behind by a crash, it is overwritten by the next one. */
export const TEMPORARY_SUFFIX = '.tmp'

/** Resolves when `bytes` are the content of `path`, on disk, also after a power loss. The directory must exist. */
export async function writeFileAtomically(
  fileSystem: FileSystem,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX
  const file = await fileSystem.open(temporary, { mode: 'create' })
  try {
    await file.truncate(0)
    await file.write(bytes, 0)
    await file.datasync()
  } finally {
    await file.close()
  }
  await fileSystem.rename(temporary, path)
  await fileSystem.syncDirectory(dirname(path))
}

/** The whole content of `path`; undefined where there is no such file. */
export async function readWholeFile(
  fileSystem: FileSystem,
  path: string,
): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<FileSystem['open']>>
  try {
    file = await fileSystem.open(path, { mode: 'read' })
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
  try {
    const bytes = Buffer.allocUnsafeSlow(await file.size())
    const count = await file.read(bytes, 0)
    return bytes.subarray(0, count)
  } finally {
    await file.close()
  }
}
