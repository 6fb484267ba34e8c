/** The only room that touches the disk. */
export type { DirectoryEntry, FileHandle, FileSystem, OpenOptions } from './fileSystem.ts'
