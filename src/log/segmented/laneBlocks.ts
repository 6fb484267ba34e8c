/**
 * The bytes of a `.laneindex`, which says which records of one segment are in which lane. Big-endian.
 *
 *   file  = block… and, once the segment is sealed, directory | trailer
 *   block = header | runs of lane 0 | … | runs of lane 4        a stretch of offsets without gaps, the next one's begins behind it
 *
 *   header, 64 bytes                                            trailer, 32 bytes
 *    0  magic "GL"        u16                                    0  base offset    u64
 *    2  version = 1       u8                                     8  end offset     u64
 *    3  kind = 0          u8                                    16  blocks         u32
 *    4  crc32c            u32  from 8 to the block's end        20  reserved = 0   u32
 *    8  first offset      u64                                   24  magic "GL"     u16
 *   16  end offset        u64  behind the last one              26  version = 1    u8
 *   24  runs of lane 0…4  u32 × 5                               27  kind = 1       u8
 *   44  records of 0…4    u32 × 5                               28  crc32c         u32  from the directory on to here
 *
 *   run       = first offset less the segment's base u32 | records u32
 *   directory = each block's header, with the block's position u32 in place of magic, version and kind
 *
 * A crash may leave a block torn: it does not match its checksum then, and counts for nothing.
 */
import { LANES } from '../../kernel/priority.ts'
import { crc32c } from '../../record/index.ts'
import type { LaneRuns } from '../laneRuns.ts'

export const BLOCK_HEADER_BYTES = 64
export const TRAILER_BYTES = 32
export const RUN_BYTES = 8
const MAGIC = 0x474c
const VERSION = 1
const KIND = { BLOCK: 0, TRAILER: 1 } as const
const AT_CRC = 4
const AT_FIRST = 8
const AT_END = 16
const AT_RUNS = 24
const AT_RECORDS = 44
const AT_BLOCKS = 16
const AT_TRAILER_TAG = 24

/** Offsets from `from` to `to` (exclusive). */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** The block of that stretch, of which `runs` knows all. */
export function encodeBlock(runs: LaneRuns, { from, to }: Stretch, baseOffset: number): Buffer {
  const lists = Array.from({ length: LANES }, (_, lane) => runs.slice(lane, from, to))
  const count = lists.reduce((sum, list) => sum + list.length / 2, 0)
  const bytes = Buffer.alloc(BLOCK_HEADER_BYTES + count * RUN_BYTES)
  putTag(bytes, 0, KIND.BLOCK)
  putU64(bytes, AT_FIRST, from)
  putU64(bytes, AT_END, to)
  let at = BLOCK_HEADER_BYTES
  for (const [lane, list] of lists.entries()) {
    let records = 0
    for (let i = 0; i < list.length; i += 2) {
      const begin = list[i] as number
      const length = (list[i + 1] as number) - begin
      bytes.writeUInt32BE(begin - baseOffset, at)
      bytes.writeUInt32BE(length, at + 4)
      at += RUN_BYTES
      records += length
    }
    bytes.writeUInt32BE(list.length / 2, AT_RUNS + 4 * lane)
    bytes.writeUInt32BE(records, AT_RECORDS + 4 * lane)
  }
  bytes.writeUInt32BE(crc32c(bytes, AT_FIRST), AT_CRC)
  return bytes
}

export const blockFirst = (bytes: Buffer, at: number): number => u64(bytes, at + AT_FIRST)
export const blockEnd = (bytes: Buffer, at: number): number => u64(bytes, at + AT_END)
const blockCrc = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at + AT_CRC)

/** Runs of a lane, by the header or directory entry at `at`. */
export const blockRuns = (bytes: Buffer, at: number, lane: number): number =>
  bytes.readUInt32BE(at + AT_RUNS + 4 * lane)

export const blockRecords = (bytes: Buffer, at: number, lane: number): number =>
  bytes.readUInt32BE(at + AT_RECORDS + 4 * lane)

/** Bytes of the runs of the lanes before `lane`. */
export function runsBefore(bytes: Buffer, at: number, lane: number): number {
  let runs = 0
  for (let each = 0; each < lane; each += 1) runs += blockRuns(bytes, at, each)
  return runs * RUN_BYTES
}

/** Bytes of the block with that header or directory entry. */
export const blockBytes = (bytes: Buffer, at: number): number =>
  BLOCK_HEADER_BYTES + runsBefore(bytes, at, LANES)

/** True where a whole and right block begins at `at`, whose first offset is `first`. */
export function isBlock(bytes: Buffer, at: number, first: number): boolean {
  if (at + BLOCK_HEADER_BYTES > bytes.length || !hasTag(bytes, at, KIND.BLOCK)) return false
  if (blockFirst(bytes, at) !== first || blockEnd(bytes, at) <= first) return false
  const end = at + blockBytes(bytes, at)
  return end <= bytes.length && blockCrc(bytes, at) === crc32c(bytes, at + AT_FIRST, end)
}

/** What stands behind the blocks of a sealed segment: the directory and its trailer. */
export function encodeEnd(directory: Buffer, { from, to }: Stretch): Buffer {
  const bytes = Buffer.alloc(directory.length + TRAILER_BYTES)
  directory.copy(bytes)
  const at = directory.length
  putU64(bytes, at, from)
  putU64(bytes, at + 8, to)
  bytes.writeUInt32BE(directory.length / BLOCK_HEADER_BYTES, at + AT_BLOCKS)
  putTag(bytes, at + AT_TRAILER_TAG, KIND.TRAILER)
  bytes.writeUInt32BE(crc32c(bytes, 0, bytes.length - 4), bytes.length - 4)
  return bytes
}

/**
 * Where directory and trailer begin in a file that ends with `bytes`, relative to these; undefined where they are not
 * those of the stretch. Negative where more of the file must be read.
 */
export function findEnd(bytes: Buffer, stretch: Stretch): number | undefined {
  const at = bytes.length - TRAILER_BYTES
  if (at < 0 || !hasTag(bytes, at + AT_TRAILER_TAG, KIND.TRAILER)) return undefined
  if (u64(bytes, at) !== stretch.from || u64(bytes, at + 8) !== stretch.to) return undefined
  const start = at - bytes.readUInt32BE(at + AT_BLOCKS) * BLOCK_HEADER_BYTES
  if (start < 0) return start
  const end = bytes.length - 4
  return bytes.readUInt32BE(end) === crc32c(bytes, start, end) ? start : undefined
}

function putTag(bytes: Buffer, at: number, kind: number): void {
  bytes.writeUInt16BE(MAGIC, at)
  bytes[at + 2] = VERSION
  bytes[at + 3] = kind
}

const hasTag = (bytes: Buffer, at: number, kind: number): boolean =>
  bytes.readUInt16BE(at) === MAGIC && bytes[at + 2] === VERSION && bytes[at + 3] === kind

function putU64(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at)
  bytes.writeUInt32BE(value >>> 0, at + 4)
}

const u64 = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
