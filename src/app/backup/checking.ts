/** Reads a backup from front to end and says whether it is whole: the same for one that is made and one restored. */
import { BrokerError } from '../../kernel/errors.ts'
import { MiB } from '../../kernel/units.ts'
import { continueCrc32c } from '../../record/index.ts'
import {
  ABOUT_NAME,
  type About,
  BACKUP_VERSION,
  hex,
  MANIFEST_NAME,
  type Manifest,
  parseAbout,
  parseManifest,
} from './manifest.ts'
import { TarError, type TarEvent, TarReader } from './tar.ts'

/** The list of a million files has 100 MB. */
const JSON_BYTES_MAX = 256 * MiB

interface Seen {
  readonly name: string
  readonly bytes: number
  crc: number
}

/** What becomes of the content. */
export interface ContentEvents {
  /** A file of the data directory begins. */
  file(name: string): Promise<void>
  data(bytes: Buffer): Promise<void>
}

export class BackupChecker {
  readonly #reader = new TarReader()
  readonly #seen: Seen[] = []
  #json: { readonly name: string; readonly chunks: Buffer[] } | undefined
  #about: About | undefined
  #manifest: Manifest | undefined
  #files = 0

  /** Takes the next bytes; their content goes to `content`. Rejects with CORRUPT_RECORD or UNSUPPORTED_VERSION. */
  async take(chunk: Buffer, content?: ContentEvents): Promise<void> {
    try {
      for (const event of this.#reader.read(chunk)) await this.#handle(event, content)
    } catch (error) {
      throw error instanceof TarError ? damaged(error.message) : error
    }
  }

  /** What the whole backup held. Throws CORRUPT_RECORD where it was not whole, or not what was written. */
  finish(): Manifest {
    this.#finishJson()
    if (this.#about === undefined) throw foreign()
    if (!this.#reader.isEnd || this.#manifest === undefined) throw damaged('its end is missing')
    const { files } = this.#manifest
    for (const [i, { name, bytes, crc }] of this.#seen.entries()) {
      const listed = files[i]
      if (listed?.name !== name || listed.bytes !== bytes) throw damaged(`${name} is not listed`)
      if (listed.crc32c !== hex(crc)) throw damaged(`${name} is not what was written`)
    }
    if (files.length !== this.#seen.length) throw damaged('files are missing')
    return this.#manifest
  }

  async #handle(event: TarEvent, content: ContentEvents | undefined): Promise<void> {
    if (event.kind === 'file') await this.#begin(event.name, event.sizeBytes, content)
    else if (event.kind === 'data' && this.#json !== undefined) this.#json.chunks.push(event.bytes)
    else if (event.kind === 'data') {
      const file = this.#seen.at(-1)
      if (file !== undefined) file.crc = continueCrc32c(file.crc, event.bytes)
      await content?.data(event.bytes)
    }
  }

  async #begin(name: string, bytes: number, content: ContentEvents | undefined): Promise<void> {
    this.#finishJson()
    this.#files += 1
    if (this.#files === 1 && name !== ABOUT_NAME) throw foreign()
    if (name === ABOUT_NAME || name === MANIFEST_NAME) {
      if (bytes > JSON_BYTES_MAX) throw damaged(`${name} is too large`)
      this.#json = { name, chunks: [] }
      return
    }
    if (this.#manifest !== undefined) throw damaged('files stand behind the list of files')
    if (!isSafe(name)) throw damaged(`${JSON.stringify(name)} is no name of a file of ours`)
    this.#seen.push({ name, bytes, crc: 0 })
    await content?.file(name)
  }

  /** A small file is read when the next one begins. */
  #finishJson(): void {
    if (this.#json === undefined) return
    const { name, chunks } = this.#json
    this.#json = undefined
    const bytes = Buffer.concat(chunks)
    if (name === MANIFEST_NAME) {
      this.#manifest = parseManifest(bytes)
      return
    }
    this.#about = parseAbout(bytes)
    if (this.#about === undefined) throw foreign()
    if (this.#about.backup <= BACKUP_VERSION) return
    const { backup, version } = this.#about
    throw new BrokerError(
      'FORMAT_TOO_NEW',
      `goqueue ${version} wrote this backup, of version ${backup}; this one knows up to ${BACKUP_VERSION}`,
    )
  }
}

/** Nothing that would lead out of a data directory. */
const isSafe = (name: string): boolean =>
  /^[\w.~-]+(?:\/[\w.~-]+)*$/.test(name) && !name.split('/').some((part) => /^\.+$/.test(part))

const damaged = (why: string): BrokerError =>
  new BrokerError('CORRUPT_RECORD', `the backup is damaged: ${why}`)

const foreign = (): BrokerError => new BrokerError('CORRUPT_RECORD', 'this is no backup of goqueue')
