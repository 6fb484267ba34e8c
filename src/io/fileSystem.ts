/**
 * The disk, as the log sees it: a port with a real implementation here and a simulated one in the tests
 * (which forgets what was not synced). Everything durable is written against this and nothing else.
 *
 * Errors are Node's own system errors (`code` ENOSPC, EMFILE, ENOENT, …); turning them into broker errors is
 * the caller's work. Paths are absolute or relative to the working directory, with `/`.
 */
import type { DirectoryLock } from './directoryLock.ts'

export interface OpenOptions {
  /** read: must exist. write: read and write, must exist. create: read and write, made where missing. */
  readonly mode: 'read' | 'write' | 'create'
}

export interface FileHandle {
  /** Writes all of `bytes` at `position`; on an error an unknown part of it is written. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Fills `into` from `position`; resolves with the bytes read, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Resolves when everything written so far, and the file's size, is on the disk. */
  datasync(): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export interface DirectoryEntry {
  readonly name: string
  readonly isDirectory: boolean
}

export interface FileSystem {
  open(path: string, options: OpenOptions): Promise<FileHandle>
  /** Creates `path` and its missing parents; each new entry survives a power loss once its parent was synced. */
  makeDirectory(path: string): Promise<void>
  /** Sorted by name; rejects with ENOENT where there is no such directory. */
  list(path: string): Promise<readonly DirectoryEntry[]>
  /** Replaces `to` atomically. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; a missing one is an ENOENT. */
  remove(path: string): Promise<void>
  /** Removes a directory and all below; a missing one is no error. */
  removeTree(path: string): Promise<void>
  /** Makes the entries of a directory (creations, renames, removals) survive a power loss. */
  syncDirectory(path: string): Promise<void>
  exists(path: string): Promise<boolean>
  /**
   * Keeps other processes out of a directory; absent where there can be none. Rejects with DATA_DIR_LOCKED
   * while it is held.
   */
  lock?(path: string): Promise<DirectoryLock>
}
