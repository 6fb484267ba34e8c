/** Every call of a logger in the source: its level, the sentence, and the names of its fields where they are literal. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

export interface LogCall {
  readonly file: string
  readonly level: string
  /** Undefined where it is no literal. */
  readonly message: string | undefined
  readonly fields: readonly string[]
}

const CALL = /\blogger\.(debug|info|warn|error|fatal)\(/g
const LAST_TEXT = /'((?:[^'\\]|\\.)*)',?\s*$/
const FIELD = /(?:^|[{,]\s*)(\w+)(?=\s*[,:}])/g

export function logCalls(): readonly LogCall[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts') && file !== 'observability/logger.ts')
    .flatMap((file) => callsIn(file, readFileSync(join(SRC, file), 'utf8')))
}

function callsIn(file: string, text: string): readonly LogCall[] {
  return [...text.matchAll(CALL)].map((match) => {
    const args = argumentsAt(text, match.index + match[0].length)
    const fields = /^\s*\{/.test(args) ? args.slice(0, args.lastIndexOf('}') + 1) : ''
    return {
      file,
      level: match[1] ?? '',
      message: LAST_TEXT.exec(args)?.[1]?.replace(/\\'/g, "'"),
      fields: [...fields.matchAll(FIELD)].map(([, name = '']) => name),
    }
  })
}

/** From behind the opening bracket to the closing one. */
function argumentsAt(text: string, from: number): string {
  let depth = 1
  let at = from
  while (depth > 0 && at < text.length) {
    const char = text[at]
    if (char === '(') depth += 1
    if (char === ')') depth -= 1
    at += 1
  }
  return text.slice(from, at - 1)
}
