/** Blobs as files that are replaced atomically. */
import { dirname } from 'node:path'
import {
  type FileSystem,
  isSystemError,
  readWholeFile,
  writeFileAtomically,
} from '../../io/index.ts'
import type { BlobStore } from '../port.ts'
import type { DirectoryTree } from './directoryTree.ts'
import type { Services } from './services.ts'
import { storageError } from './storageError.ts'
import type { Turnstile } from './turnstile.ts'

type BlobServices = Pick<Services, 'fileSystem' | 'directories' | 'replacements'>

export class FileBlobs implements BlobStore {
  readonly #fileSystem: FileSystem
  readonly #directories: DirectoryTree
  readonly #replacements: Turnstile

  constructor({ fileSystem, directories, replacements }: BlobServices) {
    this.#fileSystem = fileSystem
    this.#directories = directories
    this.#replacements = replacements
  }

  async get(name: string): Promise<Buffer | undefined> {
    try {
      return await readWholeFile(this.#fileSystem, this.#directories.at(name))
    } catch (error) {
      throw storageError(error, `read ${name}`)
    }
  }

  put(name: string, value: Buffer): Promise<void> {
    return this.#replacements.pass(() => this.#put(name, value))
  }

  delete(name: string): Promise<void> {
    return this.#replacements.pass(() => this.#delete(name))
  }

  async #put(name: string, value: Buffer): Promise<void> {
    const parent = name.includes('/') ? dirname(name) : ''
    try {
      await this.#directories.make(parent)
      await this.#directories.settle(parent)
      await writeFileAtomically(this.#fileSystem, this.#directories.at(name), value)
    } catch (error) {
      throw storageError(error, `write ${name}`)
    }
  }

  async #delete(name: string): Promise<void> {
    const path = this.#directories.at(name)
    try {
      await this.#fileSystem.remove(path)
      await this.#fileSystem.syncDirectory(dirname(path))
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw storageError(error, `delete ${name}`)
    }
  }
}
