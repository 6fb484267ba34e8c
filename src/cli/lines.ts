/**
 * Lines of a byte stream as bytes: split at LF, a CR before it dropped, empty ones left out. What arrives together is
 * given together, so that a slow source (`tail -f`) is never waited for with lines in hand.
 */
const LF = 0x0a
const CR = 0x0d

export interface Line {
  readonly bytes: Buffer
  /** From 1, empty ones counted. */
  readonly number: number
}

/** Throws a RangeError at a line of more than `lineBytesMax` bytes: memory is bounded by it. */
export async function* lineGroups(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<readonly Line[]> {
  let rest: Buffer = Buffer.alloc(0)
  let number = 0
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const joined = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    // What was carried over holds no line end: the search begins behind it.
    let searchFrom = rest.length
    let start = 0
    const lines: Line[] = []
    for (;;) {
      const end = joined.indexOf(LF, searchFrom)
      if (end < 0) break
      number += 1
      push(lines, joined.subarray(start, end), number)
      start = end + 1
      searchFrom = start
    }
    rest = joined.subarray(start)
    if (lines.length > 0) yield lines
    if (rest.length > lineBytesMax) {
      throw new RangeError(`line ${number + 1} is longer than ${lineBytesMax} bytes`)
    }
  }
  const last: Line[] = []
  push(last, rest, number + 1)
  if (last.length > 0) yield last
}

function push(lines: Line[], bytes: Buffer, number: number): void {
  const whole = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes
  if (whole.length > 0) lines.push({ bytes: whole, number })
}
