/**
 * floor-append: the same bytes into a file with a checksum for each record, and nothing else.
 *
 *   it does       walk each batch by the record lengths, CRC32C of every record by the broker's own function, put
 *                 into its header; one `fs.write` a batch, several on their way at once, each at its own position
 *   it leaves out offsets, timestamps, flags, indexes, segments, syncs, the tail kept for readers
 *
 * Batches are made before the clock runs and none is copied, on either side.
 */
import { closeSync, openSync, write } from 'node:fs'
import { crc32c, recordLength } from '../../src/record/index.ts'

const CRC_AT = 4
const CRC_FROM = 8

function checksumAll(records: Buffer): void {
  for (let at = 0; at < records.length; ) {
    const end = at + recordLength(records, at)
    records.writeUInt32BE(crc32c(records, at + CRC_FROM, end), at + CRC_AT)
    at = end
  }
}

/** Writes every batch to a new file at `path`; resolves with the milliseconds from the first to the last. */
export function floorAppend(
  path: string,
  batches: readonly Buffer[],
  inFlight: number,
): Promise<number> {
  const fd = openSync(path, 'w')
  const startMs = performance.now()
  return new Promise<number>((resolve, reject) => {
    let next = 0
    let left = batches.length
    let position = 0
    const one = (): void => {
      const batch = batches[next]
      if (batch === undefined) return
      next += 1
      checksumAll(batch)
      write(fd, batch, 0, batch.length, position, written)
      position += batch.length
    }
    const written = (error: Error | null): void => {
      if (error) {
        reject(error)
        return
      }
      left -= 1
      if (left === 0) resolve(performance.now() - startMs)
      else one()
    }
    for (let i = 0; i < inFlight; i += 1) one()
  }).finally(() => closeSync(fd))
}
