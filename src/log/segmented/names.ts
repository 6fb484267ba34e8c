/** File names of a log's directory: `<base offset, 20 digits>.<kind>`. */

/** Decimal digits of 2^64, so that names sort as their offsets do. */
const DIGITS = 20
const NAME = /^(\d{20})\.(log|index|timeindex|laneindex)$/

export type SegmentFileKind = 'log' | 'index' | 'timeindex' | 'laneindex'

export const segmentFileName = (baseOffset: number, kind: SegmentFileKind): string =>
  `${baseOffset.toString().padStart(DIGITS, '0')}.${kind}`

/** Where recovery keeps what it cut off a segment at `position`. */
export const tornFileName = (baseOffset: number, position: number): string =>
  `${segmentFileName(baseOffset, 'log')}.${position}.torn`

/** What a file name says; undefined for a file that is not of a segment. */
export function parseSegmentFileName(
  name: string,
): { readonly baseOffset: number; readonly kind: SegmentFileKind } | undefined {
  const match = NAME.exec(name)
  if (match === null) return undefined
  const baseOffset = Number(match[1])
  if (!Number.isSafeInteger(baseOffset)) return undefined
  return { baseOffset, kind: match[2] as SegmentFileKind }
}
