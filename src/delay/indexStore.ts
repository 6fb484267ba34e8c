/**
 * The index of one delay log on disk, beside the log: blobs `<log's directory>/index-<partition>/…`
 *
 *   <page number>   a page, see indexPage.ts
 *   producers       who may repeat a batch, as JSON: saves reading the log for it
 *   pages           what there is, written last; all integers big-endian:
 *
 *      0  magic "GM"   u16
 *      2  version = 1  u8
 *      3  reserved     u8
 *      4  crc32c       u32   over every byte from 8 to the end
 *      8  covers       u64   every record of the delay log below this offset is accounted for
 *     16  through      u64   as in the last mark of deliveries
 *     24  delivered    u64   messages so far
 *     32  cancelled    u64
 *     40  expired      u64
 *     48  per page, 16 bytes: number u32 · flags u32 (1 = all entries final) · covers u64
 *
 * It is a cache: whatever is missing, does not match or is older than `pages` says makes all of it void, and the index
 * is built from the log again. A page may be newer than `pages`: replaying the log over it comes to the same.
 */
import { failpoint } from '../kernel/failpoint.ts'
import type { Logger } from '../kernel/platform.ts'
import type { BlobStore } from '../log/index.ts'
import { crc32c } from '../record/index.ts'
import type { DelayIndex, EntryCounts } from './delayIndex.ts'
import { IndexPage, PAGE_ENTRIES } from './indexPage.ts'

const MAGIC = 0x474d
const VERSION = 1
const HEADER_BYTES = 48
const ENTRY_BYTES = 16
const FINAL = 1

export interface Checkpoint {
  readonly covers: number
  readonly through: number
  readonly counts: EntryCounts
}

interface SavedPage {
  readonly covers: number
  readonly isFinal: boolean
}

export class IndexStore {
  readonly #blobs: BlobStore
  readonly #path: string
  readonly #logger: Logger
  /** By number: the pages that lie on disk. */
  #saved = new Map<number, SavedPage>()

  constructor(blobs: BlobStore, path: string, logger: Logger) {
    this.#blobs = blobs
    this.#path = path
    this.#logger = logger
  }

  /** Reads the open pages into `index`. Undefined: there is nothing that can be trusted, and `index` is as it was. */
  async load(index: DelayIndex, end: number): Promise<Checkpoint | undefined> {
    const bytes = await this.#get('pages')
    if (bytes === undefined) return undefined
    const manifest = decodeManifest(bytes)
    const pages = manifest && (await this.#openPages(manifest.pages))
    if (manifest === undefined || pages === undefined) {
      this.#logger.warn({ index: this.#path }, 'the index of delays does not match, built anew')
      return undefined
    }
    this.#saved = manifest.pages
    for (const [number, page] of pages) index.load(number, page, end)
    Object.assign(index.counts, manifest.counts)
    return manifest
  }

  has(number: number): boolean {
    return this.#saved.has(number)
  }

  /** What there was is not to be believed. */
  forget(): void {
    this.#saved.clear()
  }

  /** A page that is not in memory; undefined where there is none. */
  async read(number: number, page: IndexPage): Promise<IndexPage | undefined> {
    const saved = this.#saved.get(number)
    if (saved === undefined) return undefined
    const bytes = await this.#get(String(number))
    if (bytes === undefined || IndexPage.coverage(bytes) === undefined) return undefined
    page.decode(bytes, page.base + PAGE_ENTRIES)
    return page
  }

  /** Writes the pages that changed, then what there is. Rejects as a blob's put does; the pages in question stay dirty. */
  async save(index: DelayIndex, checkpoint: Checkpoint, start: number): Promise<void> {
    const counts = { ...index.counts }
    for (const page of [...index.pages()]) {
      if (page.dirty) await this.#put(page, checkpoint.covers)
    }
    const gone = [...this.#saved.keys()].filter((number) => (number + 1) * PAGE_ENTRIES <= start)
    for (const number of gone) this.#saved.delete(number)
    failpoint('delay.index.before-manifest')
    await this.#blobs.put(
      `${this.#path}/pages`,
      encodeManifest({ ...checkpoint, counts }, this.#saved),
    )
    for (const number of gone) await this.#blobs.delete(`${this.#path}/${number}`)
  }

  async producers(): Promise<unknown> {
    const bytes = await this.#get('producers')
    try {
      return bytes && JSON.parse(bytes.toString())
    } catch {
      return undefined
    }
  }

  async saveProducers(producers: unknown): Promise<void> {
    await this.#blobs.put(`${this.#path}/producers`, Buffer.from(JSON.stringify(producers)))
  }

  async #put(page: IndexPage, covers: number): Promise<void> {
    page.dirty = false
    const isFinal = page.open === 0
    try {
      await this.#blobs.put(`${this.#path}/${page.number}`, page.encode(covers))
      this.#saved.set(page.number, { covers, isFinal })
    } catch (error) {
      page.dirty = true
      throw error
    }
  }

  async #openPages(
    saved: ReadonlyMap<number, SavedPage>,
  ): Promise<readonly (readonly [number, Buffer])[] | undefined> {
    const pages: [number, Buffer][] = []
    for (const [number, { covers, isFinal }] of saved) {
      if (isFinal) continue
      const bytes = await this.#get(String(number))
      const found = bytes && IndexPage.coverage(bytes)
      if (bytes === undefined || found === undefined || found < covers) return undefined
      pages.push([number, bytes])
    }
    return pages
  }

  /** A blob that cannot be read is as good as none. */
  async #get(name: string): Promise<Buffer | undefined> {
    try {
      return await this.#blobs.get(`${this.#path}/${name}`)
    } catch (error) {
      this.#logger.warn({ index: this.#path, name, error }, 'the index of delays cannot be read')
      return undefined
    }
  }
}

interface Manifest extends Checkpoint {
  readonly pages: Map<number, SavedPage>
}

function encodeManifest(checkpoint: Checkpoint, pages: ReadonlyMap<number, SavedPage>): Buffer {
  const { covers, through, counts } = checkpoint
  const bytes = Buffer.alloc(HEADER_BYTES + pages.size * ENTRY_BYTES)
  bytes.writeUInt16BE(MAGIC, 0)
  bytes[2] = VERSION
  const numbers = [covers, through, counts.delivered, counts.cancelled, counts.expired]
  for (const [i, value] of numbers.entries()) bytes.writeBigUInt64BE(BigInt(value), 8 + 8 * i)
  let at = HEADER_BYTES
  for (const [number, page] of pages) {
    bytes.writeUInt32BE(number, at)
    bytes.writeUInt32BE(page.isFinal ? FINAL : 0, at + 4)
    bytes.writeBigUInt64BE(BigInt(page.covers), at + 8)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32BE(crc32c(bytes, 8), 4)
  return bytes
}

function decodeManifest(bytes: Buffer): Manifest | undefined {
  const length = bytes.length - HEADER_BYTES
  if (length < 0 || length % ENTRY_BYTES !== 0) return undefined
  if (bytes.readUInt16BE(0) !== MAGIC || bytes[2] !== VERSION) return undefined
  if (bytes.readUInt32BE(4) !== crc32c(bytes, 8)) return undefined
  const number = (i: number): number => Number(bytes.readBigUInt64BE(8 + 8 * i))
  const pages = new Map<number, SavedPage>()
  for (let at = HEADER_BYTES; at < bytes.length; at += ENTRY_BYTES) {
    pages.set(bytes.readUInt32BE(at), {
      isFinal: (bytes.readUInt32BE(at + 4) & FINAL) !== 0,
      covers: Number(bytes.readBigUInt64BE(at + 8)),
    })
  }
  const counts = { delivered: number(2), cancelled: number(3), expired: number(4) }
  return { covers: number(0), through: number(1), counts, pages }
}
