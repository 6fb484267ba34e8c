/** Five cursors as bytes: how many follow (none, one for all, or five), the least, and how far the others are behind it. */
import { LANES } from '../../scheduling/index.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'

export function putCursors(writer: ByteWriter, cursors: readonly number[] | undefined): void {
  if (cursors === undefined) {
    writer.u8(0)
    return
  }
  const least = Math.min(...cursors)
  const areSame = cursors.every((each) => each === least)
  writer.u8(areSame ? 1 : LANES)
  writer.int(least)
  if (areSame) return
  for (const each of cursors) writer.int(each - least)
}

/** Throws a RangeError where the bytes end too early or are no cursors. */
export function readCursors(reader: ByteReader): readonly number[] | undefined {
  const count = reader.u8()
  if (count === 0) return undefined
  if (count !== 1 && count !== LANES) throw new RangeError(`no cursors: ${count}`)
  const least = reader.int()
  if (count === 1) return new Array<number>(LANES).fill(least)
  return Array.from({ length: LANES }, () => least + reader.int())
}
