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
import { readTar, TarError, type TarFile } from './tar.ts'

/** The list of a million files has 100 MB. */
const JSON_BYTES_MAX = 256 * MiB

interface Seen {
  readonly name: string
  readonly bytes: number
  readonly crc: number
}

/** What becomes of the content. */
export interface ContentEvents {
  /** A file of the data directory begins. */
  file(name: string): Promise<void>
  data(bytes: Buffer): Promise<void>
}

/** Resolves with what the whole backup held. Rejects with CORRUPT_RECORD, FORMAT_TOO_NEW, or what `chunks` throws. */
export async function readBackup(
  chunks: AsyncIterable<Uint8Array>,
  content?: ContentEvents,
): Promise<Manifest> {
  const checker = new BackupChecker(content)
  try {
    for await (const file of readTar(chunks)) await checker.take(file)
    return checker.finish()
  } catch (error) {
    if (!(error instanceof TarError)) throw error
    throw checker.hasBegun ? damaged(error.message) : foreign()
  }
}

class BackupChecker {
  readonly #content: ContentEvents | undefined
  readonly #seen: Seen[] = []
  #about: About | undefined
  #manifest: Manifest | undefined

  constructor(content: ContentEvents | undefined) {
    this.#content = content
  }

  /** True once it is clear that this is a backup. */
  get hasBegun(): boolean {
    return this.#about !== undefined
  }

  async take({ name, sizeBytes, content }: TarFile): Promise<void> {
    if (this.#about === undefined && name !== ABOUT_NAME) throw foreign()
    if (name === ABOUT_NAME || name === MANIFEST_NAME) {
      if (sizeBytes > JSON_BYTES_MAX) throw damaged(`${name} is too large`)
      const chunks: Buffer[] = []
      for await (const chunk of content) chunks.push(chunk)
      this.#takeJson(name, Buffer.concat(chunks))
      return
    }
    if (this.#manifest !== undefined) throw damaged('files stand behind the list of files')
    if (!isSafe(name)) throw damaged(`${JSON.stringify(name)} is no name of a file of ours`)
    await this.#content?.file(name)
    let crc = 0
    for await (const chunk of content) {
      crc = continueCrc32c(crc, chunk)
      await this.#content?.data(chunk)
    }
    this.#seen.push({ name, bytes: sizeBytes, crc })
  }

  finish(): Manifest {
    if (this.#about === undefined) throw foreign()
    if (this.#manifest === undefined) throw damaged('its end is missing')
    const { files } = this.#manifest
    for (const [i, { name, bytes, crc }] of this.#seen.entries()) {
      const listed = files[i]
      if (listed?.name !== name || listed.bytes !== bytes) throw damaged(`${name} is not listed`)
      if (listed.crc32c !== hex(crc)) throw damaged(`${name} is not what was written`)
    }
    if (files.length !== this.#seen.length) throw damaged('files are missing')
    return this.#manifest
  }

  #takeJson(name: string, bytes: Buffer): void {
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
