/**
 * The value of a message says which one it is and whether it is unharmed: `<id> <padding>`, the padding following
 * from the id.
 */

const PADDING = 'abcdefghijklmnopqrstuvwxyz0123456789'
const PADDING_CHARS_MAX = 400

function hashOf(text: string): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  }
  return hash >>> 0
}

export function textOf(id: string): string {
  const hash = hashOf(id)
  const chars = hash % PADDING_CHARS_MAX
  const start = (hash >>> 9) % PADDING.length
  return `${id} ${PADDING.repeat(chars / PADDING.length + 2).slice(start, start + chars)}`
}

/** Of a value that is not as it was sent: a name that no message has. */
export function idOf(value: string): string {
  const id = value.slice(0, Math.max(0, value.indexOf(' ')))
  return value === textOf(id) ? id : `damaged:${value.slice(0, 60)}`
}
