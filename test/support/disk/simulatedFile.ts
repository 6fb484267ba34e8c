/**
 * One file of the simulated disk: what a reader sees now, what a power loss leaves, and the changes between.
 *
 *   volatile = durable + pending changes, in the order in which they took effect
 *
 * A power loss leaves of the pending changes, by the seed, nothing, everything, the writes without the
 * truncations, a prefix cut at any byte, or a scatter: the file's size is that of one moment since the last sync, and each page (some torn into sectors)
 * holds what it held at any moment since then, wherever no truncation that took hold has cleared it.
 * Bytes of a sector that did not change since the last sync are safe, as they are on a real disk.
 */
import type { SeededRandom } from '../random.ts'

export const PAGE_BYTES = 4096
const SECTOR_BYTES = 512

interface Write {
  readonly kind: 'write'
  readonly position: number
  readonly bytes: Buffer
  /** A sync that failed has marked the page clean: it reads well, and no later sync will write it. */
  lost?: boolean
}

interface Truncate {
  readonly kind: 'truncate'
  readonly sizeBytes: number
}

type Change = Write | Truncate

const isLost = (change: Change): boolean => change.kind === 'write' && change.lost === true

export interface FileSync {
  commit(): void
  fail(random: SeededRandom): void
}

/** Growing bytes; what lies between the size and a later write is zeros. */
class Content {
  #bytes = Buffer.alloc(0)
  size = 0

  apply(change: Change): void {
    if (change.kind === 'write') this.#write(change.bytes, change.position)
    else this.truncate(change.sizeBytes)
  }

  #write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length
    this.#reserve(end)
    this.#bytes.set(bytes, position)
    this.size = Math.max(this.size, end)
  }

  truncate(sizeBytes: number): void {
    this.#reserve(sizeBytes)
    if (sizeBytes < this.size) this.#bytes.fill(0, sizeBytes, this.size)
    this.size = sizeBytes
  }

  /** A view; from `start` to `end` or the end of the file. */
  view(start: number, end: number): Buffer {
    return this.#bytes.subarray(Math.min(start, this.size), Math.min(end, this.size))
  }

  copy(): Content {
    const twin = new Content()
    twin.#write(this.view(0, this.size), 0)
    return twin
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return
    const grown = Buffer.alloc(Math.max(size, this.#bytes.length * 2, 1024))
    this.#bytes.copy(grown)
    this.#bytes = grown
  }
}

export class SimulatedFile {
  #volatile = new Content()
  #durable = new Content()
  #pending: Change[] = []

  get size(): number {
    return this.#volatile.size
  }

  get durableSize(): number {
    return this.#durable.size
  }

  /** What a reader sees now, as a copy. */
  bytes(): Buffer {
    return Buffer.from(this.#volatile.view(0, this.size))
  }

  /** What is sure to survive a power loss, as a copy. */
  durableBytes(): Buffer {
    return Buffer.from(this.#durable.view(0, this.durableSize))
  }

  read(into: Uint8Array, position: number): number {
    const bytes = this.#volatile.view(position, position + into.length)
    into.set(bytes)
    return bytes.length
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length > 0) this.#change({ kind: 'write', position, bytes: Buffer.from(bytes) })
  }

  truncate(sizeBytes: number): void {
    this.#change({ kind: 'truncate', sizeBytes })
  }

  #change(change: Change): void {
    this.#volatile.apply(change)
    this.#pending.push(change)
  }

  /**
   * A sync that begins now. commit() is its good end and covers what had taken effect when it began; fail()
   * writes some of the first changes, forgets any, and leaves the others to a later sync.
   */
  beginSync(): FileSync {
    const covered = [...this.#pending]
    return {
      commit: () => this.#commit(covered),
      fail: (random) => {
        for (const change of covered) {
          if (change.kind === 'write' && random.chance(0.4)) change.lost = true
        }
        this.#commit(covered.slice(0, random.int(covered.length + 1)))
      },
    }
  }

  #commit(changes: readonly Change[]): void {
    const covered = new Set(changes)
    for (const change of this.#pending) {
      if (covered.has(change) && !isLost(change)) this.#durable.apply(change)
    }
    this.#pending = this.#pending.filter((change) => !covered.has(change))
  }

  /** Overwrites what is on the disk and in memory alike; for tests that damage files. */
  replace(bytes: Uint8Array): void {
    this.#durable = new Content()
    this.#durable.apply({ kind: 'write', position: 0, bytes: Buffer.from(bytes) })
    this.#restart()
  }

  losePower(random: SeededRandom): void {
    const pending = this.#pending.filter((change) => !isLost(change))
    const style = random.int(9)
    if (style >= 6) scatter(this.#durable, pending, random)
    else if (style >= 3) keepPrefix(this.#durable, pending, random)
    else if (style === 2) keepAll(this.#durable, pending)
    else if (style === 1) keepAll(this.#durable, pending.filter(isWrite))
    this.#restart()
  }

  #restart(): void {
    this.#volatile = this.#durable.copy()
    this.#pending = []
  }
}

const isWrite = (change: Change): boolean => change.kind === 'write'

function keepAll(content: Content, changes: readonly Change[]): void {
  for (const change of changes) content.apply(change)
}

function keepPrefix(content: Content, pending: readonly Change[], random: SeededRandom): void {
  const whole = random.int(pending.length + 1)
  for (const change of pending.slice(0, whole)) content.apply(change)
  const cut = pending[whole]
  if (cut?.kind !== 'write') return
  const bytes = cut.bytes.subarray(0, random.int(cut.bytes.length + 1))
  if (bytes.length > 0) content.apply({ kind: 'write', position: cut.position, bytes })
}

function scatter(content: Content, pending: readonly Change[], random: SeededRandom): void {
  const sizes = [content.size]
  for (const change of pending) sizes.push(sizeAfter(sizes.at(-1) ?? 0, change))
  const moment = extremeOrBetween(random, 0, pending.length)
  const size = sizeBetween(sizes[moment] ?? 0, sizes[moment + 1], random)
  const touched = new Set(pending.flatMap((change) => pagesOf(change, Math.max(...sizes))))
  const pages = [...touched].filter((page) => page * PAGE_BYTES < size).sort((a, b) => a - b)
  const survivors = pages.map((page) => ({
    page,
    bytes: survivingPage({ content, pending, random, page, moment }),
  }))
  for (const { page, bytes } of survivors) {
    content.apply({ kind: 'write', position: page * PAGE_BYTES, bytes })
  }
  content.truncate(size)
}

/** The newest half of the time, else the oldest or any between: extremes meet more often than chance would have it. */
function extremeOrBetween(random: SeededRandom, oldest: number, newest: number): number {
  if (random.chance(0.5)) return newest
  return random.chance(0.5) ? oldest : random.between(oldest, newest)
}

const sizeAfter = (size: number, change: Change): number =>
  change.kind === 'truncate'
    ? change.sizeBytes
    : Math.max(size, change.position + change.bytes.length)

/** The size may have been caught between two moments while the file grew. */
const sizeBetween = (size: number, next: number | undefined, random: SeededRandom): number =>
  next !== undefined && next > size && random.chance(0.5) ? random.between(size, next) : size

function pagesOf(change: Change, sizeMax: number): number[] {
  const start = change.kind === 'write' ? change.position : change.sizeBytes
  const end = change.kind === 'write' ? change.position + change.bytes.length : sizeMax
  const pages: number[] = []
  for (let page = Math.floor(start / PAGE_BYTES); page * PAGE_BYTES < end; page += 1) {
    pages.push(page)
  }
  return pages
}

interface PageHistory {
  readonly content: Content
  readonly pending: readonly Change[]
  readonly random: SeededRandom
  readonly page: number
  /** How many changes of the file's size have taken hold. */
  readonly moment: number
}

/** The page as a mix of what its sectors held at moments between the last sync and now. */
function survivingPage({ content, pending, random, page, moment }: PageHistory): Buffer {
  const start = page * PAGE_BYTES
  const now = Buffer.alloc(PAGE_BYTES)
  content.view(start, start + PAGE_BYTES).copy(now)
  const first = clearedAt(pending.slice(0, moment), start)
  const choose = (): number => extremeOrBetween(random, first, pending.length)
  const whole = choose()
  const torn = random.chance(0.3)
  const sectors = Array.from({ length: PAGE_BYTES / SECTOR_BYTES }, () => (torn ? choose() : whole))
  const result = Buffer.alloc(PAGE_BYTES)
  for (let version = 0; version <= pending.length; version += 1) {
    const change = pending[version - 1]
    if (change !== undefined) applyToPage(now, change, start)
    for (const [sector, chosen] of sectors.entries()) {
      const at = sector * SECTOR_BYTES
      if (chosen === version) now.copy(result, at, at, at + SECTOR_BYTES)
    }
  }
  return result
}

/** The moment of the last truncation among `settled` that cleared bytes of the page, 0 where there is none. */
function clearedAt(settled: readonly Change[], start: number): number {
  const index = settled.findLastIndex(
    (change) => change.kind === 'truncate' && change.sizeBytes < start + PAGE_BYTES,
  )
  return index + 1
}

function applyToPage(page: Buffer, change: Change, start: number): void {
  if (change.kind === 'truncate') {
    if (change.sizeBytes < start + PAGE_BYTES) page.fill(0, Math.max(0, change.sizeBytes - start))
    return
  }
  const from = Math.max(change.position, start)
  const to = Math.min(change.position + change.bytes.length, start + PAGE_BYTES)
  if (from < to)
    page.set(change.bytes.subarray(from - change.position, to - change.position), from - start)
}
