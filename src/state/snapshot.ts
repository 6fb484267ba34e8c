/**
 * A snapshot as it lies in the blob store. All integers are big-endian.
 *
 *    0  magic "GS"      u16
 *    2  version = 1     u8
 *    3  reserved = 0    u8
 *    4  crc32c          u32   over every byte from 8 to the end
 *    8  journal offset  u64   the state holds every event below it and none above
 *   16  body            the machine's own encoding
 */
import { BrokerError } from '../kernel/errors.ts'
import { MiB } from '../kernel/units.ts'
import { continueCrc32c, crc32c } from '../record/index.ts'
import type { SnapshotPieces } from './machine.ts'

const HEADER_BYTES = 16
const MAGIC = 0x4753
const VERSION = 1
const AT_CRC = 4
const AT_JOURNAL_OFFSET = 8
/** Bytes copied in one turn: a fraction of a millisecond. */
const COPY_BYTES_MAX = 1 * MiB
const NOTHING = new Uint8Array(0)

export interface SnapshotFile {
  readonly journalOffset: number
  readonly body: Buffer
}

/**
 * The file of a state that is encoded piece by piece, and as it holds at `journalOffset`. `pause` is awaited between any
 * two steps, none of which takes long however large the state is. Rejects as `pause` and the encoding do.
 */
export async function encodeSnapshotFile(
  journalOffset: number,
  body: SnapshotPieces,
  pause: () => Promise<void>,
): Promise<Buffer> {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(MAGIC, 0)
  header[2] = VERSION
  header.writeBigUInt64BE(BigInt(journalOffset), AT_JOURNAL_OFFSET)
  let crc = continueCrc32c(0, header.subarray(AT_JOURNAL_OFFSET))
  const pieces: Uint8Array[] = [header]
  let length = HEADER_BYTES
  for (let piece = body.next(); piece !== undefined; piece = body.next()) {
    crc = continueCrc32c(crc, piece)
    pieces.push(piece)
    length += piece.length
    await pause()
  }
  header.writeUInt32BE(crc, AT_CRC)
  return await joined(pieces, length, pause)
}

/** What was copied is let go of: the whole is in memory once, not twice. */
async function joined(
  pieces: Uint8Array[],
  length: number,
  pause: () => Promise<void>,
): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(length)
  let at = 0
  let unpaused = 0
  for (let i = 0; i < pieces.length; i += 1) {
    const piece = pieces[i] as Uint8Array
    whole.set(piece, at)
    at += piece.length
    unpaused += piece.length
    pieces[i] = NOTHING
    if (unpaused < COPY_BYTES_MAX) continue
    unpaused = 0
    await pause()
  }
  return whole
}

/** Throws LOG_CORRUPT naming `name`, or FORMAT_TOO_NEW. */
export function decodeSnapshotFile(name: string, file: Buffer): SnapshotFile {
  if (file.length < HEADER_BYTES || file.readUInt16BE(0) !== MAGIC) {
    throw new BrokerError('LOG_CORRUPT', `${name} is not a snapshot`)
  }
  if (file[2] !== VERSION) {
    throw new BrokerError('FORMAT_TOO_NEW', `${name} has snapshot version ${file[2]}`)
  }
  if (file[3] !== 0 || file.readUInt32BE(AT_CRC) !== crc32c(file, AT_JOURNAL_OFFSET)) {
    throw new BrokerError('LOG_CORRUPT', `${name}: the snapshot's checksum does not match`)
  }
  return {
    journalOffset: Number(file.readBigUInt64BE(AT_JOURNAL_OFFSET)),
    body: file.subarray(HEADER_BYTES),
  }
}
