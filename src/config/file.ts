/** A configuration file: YAML (and so JSON too), one flat mapping of settings. */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import type { ConfigProblem } from './problems.ts'

export interface FileEntry {
  readonly key: string
  readonly value: unknown
  /** `goqueue.yaml:3` */
  readonly where: string
}

export interface FileText {
  readonly path: string
  readonly text: string
}

export interface ParsedFile {
  readonly entries: readonly FileEntry[]
  readonly problems: readonly ConfigProblem[]
}

/** The entries of a file in order, with where each stands. Syntax errors are problems, never exceptions. */
export function parseFile({ path, text }: FileText): ParsedFile {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  })
  const at = (position: number | undefined): string =>
    position === undefined ? path : `${path}:${lines.linePos(position).line}`
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      where: at(error.pos[0]),
      message: `is not YAML: ${error.message}`,
    }))
    return { entries: [], problems }
  }
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return { entries: [], problems: [] }
  }
  if (!isMap(contents)) {
    const message = 'must be a mapping of settings, such as `port: 8080`'
    return { entries: [], problems: [{ where: path, message }] }
  }
  const entries = contents.items.map(({ key, value }) => {
    const node = isScalar(key) ? key : undefined
    const plain: unknown = hasToJson(value) ? value.toJSON() : value
    return { key: String(node?.value ?? key), value: plain, where: at(node?.range?.[0]) }
  })
  return { entries, problems: [] }
}

const hasToJson = (value: unknown): value is { toJSON(): unknown } =>
  typeof value === 'object' && value !== null && 'toJSON' in value
