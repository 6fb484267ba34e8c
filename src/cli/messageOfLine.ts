/** How one line of input becomes a message: the line as it is, or a JSON object whose fields say more. */
import { EXIT } from '../kernel/exitCodes.ts'
import { Failure } from '../kernel/failure.ts'
import { type Priority, parsePriority } from '../kernel/priority.ts'
import type { Line } from './lines.ts'

/** What the fields of a line are called; a dot goes into nested objects: `properties.net`. */
export interface FieldNames {
  readonly key?: string | undefined
  readonly value?: string | undefined
  readonly priority?: string | undefined
}

export interface LineMessage {
  readonly key?: string | undefined
  readonly value: string | Uint8Array | null
  readonly priority?: Priority | undefined
}

/** Reads lines as `fields` say; without fields a line is its value, byte for byte, and need not be JSON. */
export function lineReader(fields: FieldNames): (line: Line) => LineMessage {
  const { key, value, priority } = fields
  if (key === undefined && value === undefined && priority === undefined) {
    return ({ bytes }) => ({ value: bytes })
  }
  return (line) => {
    const object = parseObject(line)
    return {
      value: value === undefined ? line.bytes : valueText(field(object, value, line)),
      ...(key === undefined ? {} : keyOf(field(object, key, line), key, line)),
      ...(priority === undefined ? {} : { priority: priorityOf(object, priority, line) }),
    }
  }
}

const fail = (line: Line, problem: string): Failure =>
  new Failure(EXIT.DATA, `line ${line.number} ${problem}`, {
    hint: `the lines before it were published; go on from it with \`tail -n +${line.number}\``,
  })

function parseObject(line: Line): unknown {
  let value: unknown
  try {
    value = JSON.parse(line.bytes.toString())
  } catch {
    throw fail(line, 'is not JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw fail(line, 'is no JSON object')
}

function field(object: unknown, name: string, line: Line): unknown {
  if (hasField(object, name)) return object[name]
  let value = object
  for (const part of name.split('.')) {
    if (!hasField(value, part)) throw fail(line, `has no field "${name}"`)
    value = value[part]
  }
  return value
}

const hasField = (value: unknown, name: string): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)

const valueText = (value: unknown): string | null =>
  value === null || typeof value === 'string' ? value : JSON.stringify(value)

function keyOf(value: unknown, name: string, line: Line): { key?: string } {
  if (value === null) return {}
  if (typeof value === 'string') return { key: value }
  if (typeof value === 'number' || typeof value === 'boolean') return { key: String(value) }
  throw fail(line, `has a key field "${name}" that is no text or number`)
}

function priorityOf(object: unknown, name: string, line: Line): Priority {
  const priority = parsePriority(field(object, name, line))
  if (priority !== undefined) return priority
  throw fail(line, `has a field "${name}" that is no priority`)
}
