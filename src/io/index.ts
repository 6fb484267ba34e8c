/** The only room that touches the disk. */
export { type Access, accessTo } from './access.ts'
export { readWholeFile, TEMPORARY_SUFFIX, writeFileAtomically } from './atomicFile.ts'
export {
  type DirectoryLock,
  lockDirectory,
  lockHolder,
  type ProcessIdentity,
} from './directoryLock.ts'
export { type DiskSpace, diskSpace } from './diskSpace.ts'
export { isReadableByAll } from './fileMode.ts'
export type { DirectoryEntry, FileHandle, FileSystem, OpenOptions } from './fileSystem.ts'
export { isSystemError, nodeFileSystem } from './nodeFileSystem.ts'
