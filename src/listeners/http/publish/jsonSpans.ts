/**
 * Where, in the bytes of a publish, the `value` of each message lies: what is stored of an object, an array, a
 * number or a boolean is its text as it came. Writing the parsed value out again would round long numbers.
 *
 * The bytes must be JSON that JSON.parse took, with `messages` an array of objects; of names that come twice the
 * last counts, as it does there. O(bytes).
 */

export interface Span {
  readonly start: number
  readonly end: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d]

/** By message; undefined where a message has no value. */
export function valueSpans(json: Buffer): readonly (Span | undefined)[] {
  let spans: (Span | undefined)[] = []
  eachMember(json, space(json, 0), (name, start) => {
    if (name !== 'messages') return
    spans = []
    eachElement(json, start, (message) => {
      let value: Span | undefined
      eachMember(json, message, (field, from, end) => {
        if (field === 'value') value = { start: from, end }
      })
      spans.push(value)
    })
  })
  return spans
}

/** Calls `visit` with each member of the object at `at`: its name and where its value starts and ends. */
function eachMember(
  json: Buffer,
  at: number,
  visit: (name: string, start: number, end: number) => void,
): void {
  let p = space(json, at + 1)
  while (json[p] !== CLOSE_BRACE) {
    const nameEnd = skipString(json, p)
    const name = JSON.parse(json.toString('utf8', p, nameEnd)) as string
    const start = space(json, space(json, nameEnd) + 1)
    const end = skipValue(json, start)
    visit(name, start, end)
    p = afterComma(json, end)
  }
}

/** Calls `visit` with where each element of the array at `at` starts. */
function eachElement(json: Buffer, at: number, visit: (start: number) => void): void {
  let p = space(json, at + 1)
  while (json[p] !== CLOSE_BRACKET) {
    visit(p)
    p = afterComma(json, skipValue(json, p))
  }
}

function afterComma(json: Buffer, at: number): number {
  const p = space(json, at)
  return json[p] === COMMA ? space(json, p + 1) : p
}

function space(json: Buffer, at: number): number {
  let p = at
  while (isSpace(json[p])) p += 1
  return p
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

function skipString(json: Buffer, at: number): number {
  let p = at + 1
  while (json[p] !== QUOTE) p += json[p] === BACKSLASH ? 2 : 1
  return p + 1
}

function skipValue(json: Buffer, at: number): number {
  const first = json[at]
  if (first === QUOTE) return skipString(json, at)
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(json, at)
  let p = at
  while (!isEndOfScalar(json[p])) p += 1
  return p
}

const isEndOfScalar = (byte: number | undefined): boolean =>
  byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte)

function skipNested(json: Buffer, at: number): number {
  let depth = 0
  let p = at
  do {
    const byte = json[p]
    if (byte === QUOTE) {
      p = skipString(json, p)
      continue
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1
    if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1
    p += 1
  } while (depth > 0)
  return p
}
