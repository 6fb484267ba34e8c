/**
 * API keys as an operator writes them: one a line in a file, by commas in a variable.
 *
 *   # who may ask
 *   billing: 6dJm0SxQv2…        the name shows in logs
 *   6dJm0SxQv2…                 a bare one is called by its place: key-2
 *
 * A problem names the place, never the key: problems are printed and logged.
 */
import { API_KEY_CHARS, type ApiKey } from '../kernel/apiKey.ts'
import type { FileText } from './file.ts'
import type { ConfigProblem } from './problems.ts'

export interface ParsedKeys {
  readonly keys: readonly ApiKey[]
  readonly problems: readonly ConfigProblem[]
}

interface Entry {
  readonly text: string
  readonly where: string
}

const NAMED = /^([A-Za-z0-9._-]{1,64}):\s*(.*)$/
/** What may stand behind `Bearer` in a header. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/** The keys of a file: one a line, `#` begins a comment line. A file without keys is a problem. */
export function parseKeysFile({ path, text }: FileText): ParsedKeys {
  const lines = text
    .split('\n')
    .map((line, i) => ({ text: line.trim(), where: `${path}:${i + 1}` }))
  const entries = lines.filter((line) => line.text !== '' && !line.text.startsWith('#'))
  if (entries.length > 0) return parseEntries(entries)
  const message = 'holds no key: write one a line, as `name: key` or bare'
  return { keys: [], problems: [{ where: path, message }] }
}

/** The keys of a list; `where` names it in problems. */
export const parseKeysList = (list: readonly string[], where: string): ParsedKeys =>
  parseEntries(list.map((text) => ({ text: text.trim(), where })))

function parseEntries(entries: readonly Entry[]): ParsedKeys {
  const keys: ApiKey[] = []
  const problems: ConfigProblem[] = []
  for (const [i, { text, where }] of entries.entries()) {
    const [, name = `key-${i + 1}`, key = text] = NAMED.exec(text) ?? []
    const message = problemWith(key)
    if (message === undefined) keys.push({ name, key })
    else problems.push({ where, message: `key ${i + 1} ${message}` })
  }
  return { keys, problems }
}

function problemWith(key: string): string | undefined {
  if (key.length < API_KEY_CHARS.min) {
    return `is shorter than ${API_KEY_CHARS.min} characters: \`openssl rand -hex 32\` makes a good one`
  }
  if (key.length > API_KEY_CHARS.max) return `is longer than ${API_KEY_CHARS.max} characters`
  if (TOKEN.test(key)) return undefined
  return 'may hold letters, digits and . _ ~ + / - only, with = at its end: a header carries no other'
}
