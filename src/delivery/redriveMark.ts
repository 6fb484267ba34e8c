/**
 * The mark of a redriven record: a header that says for which group it came back and what it was at first. The other
 * groups of its topic have dealt with the original and are not handed it again.
 *
 *   goqueue-redrive: {"group":"billing","task":"…","redrives":1,"original":{"topic":…,"partition":…,"offset":…,"timestamp":…}}
 */
import { AT_FLAGS, FLAG, HEADER_BYTES, recordHeaders } from '../record/index.ts'

export const REDRIVE_HEADER = 'goqueue-redrive'

/** Where a record came from at first. */
export interface Original {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
}

export interface RedriveMark {
  readonly group: string
  readonly task: string
  readonly redrives: number
  readonly original: Original
}

const NAME = Buffer.from(REDRIVE_HEADER)
// The block's length, the section's head, the count of headers, the length of the first name.
const AT_FIRST_NAME = HEADER_BYTES + 4 + 4 + 2 + 2

/** The mark is always the first header: looking for it costs a few bytes' comparison. */
function isMarked(bytes: Buffer, at: number): boolean {
  if (((bytes[at + AT_FLAGS] as number) & FLAG.EXTENSION) === 0) return false
  const name = at + AT_FIRST_NAME
  return bytes.compare(NAME, 0, NAME.length, name, Math.min(name + NAME.length, bytes.length)) === 0
}

/** Undefined where the record was never redriven, or its mark cannot be read. */
export function redriveMarkOf(bytes: Buffer, at: number): RedriveMark | undefined {
  if (!isMarked(bytes, at)) return undefined
  try {
    return JSON.parse(recordHeaders(bytes, at)?.[REDRIVE_HEADER] ?? '') as RedriveMark
  } catch {
    return undefined
  }
}

/** True for a record that came back for another group. */
export function isForeignRedrive(bytes: Buffer, at: number, group: string): boolean {
  const mark = redriveMarkOf(bytes, at)
  return mark !== undefined && mark.group !== group
}
