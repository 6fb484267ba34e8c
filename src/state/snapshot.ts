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
import { crc32c } from '../record/index.ts'

const HEADER_BYTES = 16
const MAGIC = 0x4753
const VERSION = 1
const AT_CRC = 4
const AT_JOURNAL_OFFSET = 8

export interface SnapshotFile {
  readonly journalOffset: number
  readonly body: Buffer
}

export function encodeSnapshotFile(journalOffset: number, body: Uint8Array): Buffer {
  const file = Buffer.alloc(HEADER_BYTES + body.length)
  file.writeUInt16BE(MAGIC, 0)
  file[2] = VERSION
  file.writeBigUInt64BE(BigInt(journalOffset), AT_JOURNAL_OFFSET)
  file.set(body, HEADER_BYTES)
  file.writeUInt32BE(crc32c(file, AT_JOURNAL_OFFSET), AT_CRC)
  return file
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
