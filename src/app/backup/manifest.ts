/**
 * The last file of a backup: what is in front of it, with checksums. A backup without it is not whole.
 *
 *   goqueue-backup/about.json       first: {"backup":1,"version":"0.1.0","created":"2026-01-31T12:00:00.000Z"}
 *   FORMAT, state/…, topics/…       the files, as they lie in a data directory
 *   goqueue-backup/manifest.json    last: the same, and "files":[{"name","bytes","crc32c","unopened"?}, …] in their order
 *
 * Every checksum is eight hexadecimal digits, so that the length of a backup is known before it begins.
 */
import type { CapturedFile } from '../../log/index.ts'

/** Raised when older versions could not restore what newer ones write. */
export const BACKUP_VERSION = 1
export const ABOUT_NAME = 'goqueue-backup/about.json'
export const MANIFEST_NAME = 'goqueue-backup/manifest.json'

export interface About {
  readonly backup: number
  /** Of the broker that wrote it. */
  readonly version: string
  /** RFC 3339: the moment whose state it holds. */
  readonly created: string
}

export interface ManifestFile {
  readonly name: string
  readonly bytes: number
  readonly crc32c: string
  /** True for the records of a partition that was out of order when the backup was made. */
  readonly unopened?: boolean
}

export interface Manifest extends About {
  readonly files: readonly ManifestFile[]
}

export const hex = (crc: number): string => crc.toString(16).padStart(8, '0')

export const manifestFile = (file: CapturedFile, crc: number): ManifestFile => ({
  name: file.name,
  bytes: file.sizeBytes,
  crc32c: hex(crc),
  ...(file.isUnopened === true ? { unopened: true } : {}),
})

export const jsonFile = (value: About | Manifest): Buffer =>
  Buffer.from(`${JSON.stringify(value)}\n`)

/** Undefined where the bytes are no such thing. */
export function parseAbout(bytes: Buffer): About | undefined {
  const value = parseObject(bytes)
  if (value === undefined || typeof value['backup'] !== 'number') return undefined
  return {
    backup: value['backup'],
    version: String(value['version']),
    created: String(value['created']),
  }
}

/** Undefined where the bytes are no such thing. */
export function parseManifest(bytes: Buffer): Manifest | undefined {
  const about = parseAbout(bytes)
  const files = parseObject(bytes)?.['files']
  if (about === undefined || !Array.isArray(files) || !files.every(isFile)) return undefined
  return { ...about, files }
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function isFile(value: unknown): value is ManifestFile {
  if (typeof value !== 'object' || value === null) return false
  const { name, bytes, crc32c } = value as Partial<Record<keyof ManifestFile, unknown>>
  return typeof name === 'string' && typeof bytes === 'number' && typeof crc32c === 'string'
}
