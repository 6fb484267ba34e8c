/**
 * Where the time of a processor profile went: `npx tsx bench/profile.ts FILE… [rows]`. Self time by function, with
 * its share of what was not idle, and beside it the time with everything it called.
 */
import { readFileSync } from 'node:fs'

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
  }
  readonly children?: readonly number[]
}

interface Profile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface ProfileRow {
  readonly where: string
  readonly selfMs: number
  readonly totalMs: number
}

const IDLE = new Set(['(idle)', '(program)', '(root)'])

function nameOf({ callFrame }: ProfileNode): string {
  const file = callFrame.url.split('/').slice(-3).join('/')
  const name = callFrame.functionName === '' ? '(anonymous)' : callFrame.functionName
  return file === '' ? name : `${name} ${file}:${callFrame.lineNumber + 1}`
}

/** Rows by self time, longest first; what idled is left out. */
export function profileRows(profile: Profile): readonly ProfileRow[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const selfOf = new Map<number, number>()
  profile.samples.forEach((id, i) => {
    selfOf.set(id, (selfOf.get(id) ?? 0) + (profile.timeDeltas[i] ?? 0))
  })
  const rows = new Map<string, { selfMs: number; totalMs: number }>()
  /** Adds up the subtree; a function inside itself counts once in its total. */
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = nodes.get(id)
    if (node === undefined) return 0
    const where = nameOf(node)
    const self = (selfOf.get(id) ?? 0) / 1_000
    const within = new Set(above).add(where)
    let total = self
    for (const child of node.children ?? []) total += walk(child, within)
    const row = rows.get(where) ?? { selfMs: 0, totalMs: 0 }
    row.selfMs += self
    if (!above.has(where)) row.totalMs += total
    rows.set(where, row)
    return total
  }
  const root = profile.nodes[0]
  if (root !== undefined) walk(root.id, new Set())
  return [...rows]
    .map(([where, row]) => ({ where, ...row }))
    .filter(({ where }) => !IDLE.has(where))
    .sort((a, b) => b.selfMs - a.selfMs)
}

function print(path: string, count: number): void {
  const rows = profileRows(JSON.parse(readFileSync(path, 'utf8')) as Profile)
  const all = rows.reduce((sum, row) => sum + row.selfMs, 0)
  process.stdout.write(`${path}: ${Math.round(all)} ms busy\n`)
  for (const { where, selfMs, totalMs } of rows.slice(0, count)) {
    const self = ((100 * selfMs) / all).toFixed(1).padStart(5)
    const total = ((100 * totalMs) / all).toFixed(1).padStart(5)
    process.stdout.write(`${self} % self ${total} % with callees  ${where}\n`)
  }
}

const DEFAULT_ROWS = 30
const args = process.argv.slice(2)
const rows = args.map(Number).find((number) => number > 0) ?? DEFAULT_ROWS
for (const path of args.filter((arg) => arg.endsWith('.cpuprofile'))) print(path, rows)
