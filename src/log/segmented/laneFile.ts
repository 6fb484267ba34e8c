/** The `.laneindex` file of one segment: appending blocks, sealing it, reading it back. Knows bytes, not lanes. */
import { isSystemError, readWholeFile, writeFileAtomically } from '../../io/index.ts'
import { LANES } from '../../kernel/priority.ts'
import { KiB } from '../../kernel/units.ts'
import { LaneRuns, RunCollector } from '../laneRuns.ts'
import { PooledFile } from './filePool.ts'
import {
  BLOCK_HEADER_BYTES,
  blockBytes,
  blockEnd,
  encodeBlock,
  encodeEnd,
  findEnd,
  isBlock,
  type Stretch,
  TRAILER_BYTES,
} from './laneBlocks.ts'
import { LaneDirectory } from './laneDirectory.ts'
import type { Services } from './services.ts'

/** Read at once from the end: the directory of most segments and its trailer. */
const END_BYTES = 16 * KiB
const EMPTY = Buffer.alloc(0)

export class LaneFile {
  #file: PooledFile
  readonly #services: Services
  /** Behind the last block. */
  #size = 0
  /** Nothing stands behind the last block, unless the file is sealed. */
  #isCut = false
  #isSealed = false
  /** False where it is known that there is no such file. */
  #exists = true

  constructor(file: PooledFile, services: Services) {
    this.#file = file
    this.#services = services
  }

  get file(): PooledFile {
    return this.#file
  }

  /** The directory is in the file. */
  get isSealed(): boolean {
    return this.#isSealed
  }

  /** Says that there is no such file. */
  isMissing(): void {
    this.#exists = false
  }

  /** What is in the file does not count. */
  begin(): void {
    this.#size = 0
    this.#isCut = false
    this.#isSealed = false
  }

  /** Writes a block behind the last one and returns its position. On an error it may be called again. */
  async append(block: Buffer): Promise<number> {
    const position = this.#size
    await this.#write(block, position)
    this.#size = position + block.length
    return position
  }

  /** Writes directory and trailer behind the last block. On an error it may be called again. */
  async seal(directory: Buffer, stretch: Stretch): Promise<void> {
    await this.#write(encodeEnd(directory, stretch), this.#size)
    this.#isSealed = true
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    await this.#services.files.use(this.#file, async (handle) => {
      if (!this.#isCut) await handle.truncate(position)
      this.#isCut = true
      await handle.write(bytes, position)
    })
    this.#exists = true
  }

  /** Makes `bytes` the content of the file of a sealed segment. Not beside other calls. */
  async replace(bytes: Buffer): Promise<void> {
    const { files, fileSystem } = this.#services
    await writeFileAtomically(fileSystem, this.#file.path, bytes)
    const replaced = this.#file
    this.#file = new PooledFile(replaced.path, replaced.mode)
    this.#isCut = true
    this.#isSealed = true
    this.#exists = true
    await files.close(replaced)
  }

  /** All of it; empty where there is none. */
  async readAll(): Promise<Buffer> {
    if (!this.#exists) return EMPTY
    return (await readWholeFile(this.#services.fileSystem, this.#file.path)) ?? EMPTY
  }

  /** The blocks that the file of an active segment begins with; the next one is written behind them. */
  async recoverBlocks(baseOffset: number): Promise<LaneDirectory> {
    const { directory, size } = blocksOf(await this.readAll(), baseOffset)
    this.begin()
    this.#size = size
    return directory
  }

  /** The directory of a sealed segment; undefined where the file has none of that stretch. */
  async readDirectory(stretch: Stretch): Promise<LaneDirectory | undefined> {
    if (!this.#exists) return undefined
    const size = await this.#services.files.sizeOf(this.#file)
    let bytes = await this.read(Math.max(0, size - END_BYTES), Math.min(size, END_BYTES))
    let start = findEnd(bytes, stretch)
    if (start !== undefined && start < 0) {
      const more = bytes.length - start
      if (more > size) return undefined
      bytes = await this.read(size - more, more)
      start = findEnd(bytes, stretch)
    }
    if (start === undefined || start < 0) return undefined
    const entries = bytes.subarray(start, bytes.length - TRAILER_BYTES)
    this.#isSealed = true
    return new LaneDirectory(Buffer.from(entries), entries.length / BLOCK_HEADER_BYTES)
  }

  /** Fewer bytes than asked for at the end of the file. */
  async read(position: number, size: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(size)
    if (size === 0) return bytes
    try {
      const count = await this.#services.files.use(this.#file, (h) => h.read(bytes, position))
      return bytes.subarray(0, count)
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return EMPTY
      throw error
    }
  }
}

/** The whole and right blocks that `bytes` begin with, and how long these are. */
export function blocksOf(
  bytes: Buffer,
  baseOffset: number,
): { readonly directory: LaneDirectory; readonly size: number } {
  const directory = new LaneDirectory()
  let size = 0
  for (let first = baseOffset; isBlock(bytes, size, first); ) {
    directory.push(bytes.subarray(size), size)
    first = blockEnd(bytes, size)
    size += blockBytes(bytes, size)
  }
  return { directory, size }
}

/** Turns in one block of a file that is written at once: 16 KiB of runs. */
const BLOCK_TURNS = 2048

/** A whole file of a sealed segment whose lane changes at `turns` (offset and lane by turns). */
export function encodeFile(
  runs: LaneRuns,
  turns: readonly number[],
  stretch: Stretch,
): { readonly directory: LaneDirectory; readonly bytes: Buffer } {
  const directory = new LaneDirectory()
  const blocks: Buffer[] = []
  let position = 0
  let { from } = stretch
  for (let i = 2 * BLOCK_TURNS; from < stretch.to; i += 2 * BLOCK_TURNS) {
    const to = Math.min(turns[i] ?? stretch.to, stretch.to)
    const block = encodeBlock(runs, { from, to }, stretch.from)
    directory.push(block, position)
    blocks.push(block)
    position += block.length
    from = to
  }
  return { directory, bytes: Buffer.concat([...blocks, encodeEnd(directory.bytes, stretch)]) }
}

/** True where `bytes` are a whole file of a sealed segment and say the same as `runs`. */
export function holds(bytes: Buffer, runs: LaneRuns, stretch: Stretch): boolean {
  const { directory, size } = blocksOf(bytes, stretch.from)
  if (findEnd(bytes.subarray(size), stretch) !== 0) return false
  const found = runsOf(directory, bytes, stretch.from)
  for (let lane = 0; lane < LANES; lane += 1) {
    const wanted = runs.slice(lane, stretch.from, stretch.to)
    const there = found.slice(lane, stretch.from, stretch.to)
    if (wanted.length !== there.length || wanted.some((n, i) => n !== there[i])) return false
  }
  return true
}

/** All runs of the blocks that `bytes` begin with. */
export function runsOf(directory: LaneDirectory, bytes: Buffer, baseOffset: number): LaneRuns {
  const runs = new LaneRuns()
  const file = { position: 0, bytes }
  for (let block = 0; block < directory.length; block += 1) {
    for (let lane = 0; lane < LANES; lane += 1) {
      const found = new RunCollector(directory.records(block, lane))
      directory.runsIn(block, lane, file).collect(baseOffset, baseOffset, found)
      for (let i = 0; i < found.runs.length; i += 2) {
        runs.add(lane, found.runs[i] as number, found.runs[i + 1] as number)
      }
    }
  }
  return runs
}
