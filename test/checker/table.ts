/** What the rounds came to: faults × features. */
import type { Finding } from './check/finding.ts'
import { count } from './check/finding.ts'
import type { RoundResult } from './round.ts'
import type { Feature } from './workloads/workload.ts'

interface Cell {
  operations: number
  answered: number
  findings: number
}

interface Row {
  rounds: number
  strikes: number
  problems: number
  readonly cells: Map<Feature, Cell>
}

export class Table {
  readonly #features: readonly Feature[]
  readonly #rows = new Map<string, Row>()

  constructor(features: readonly Feature[]) {
    this.#features = features
  }

  get isClean(): boolean {
    return [...this.#rows.values()].every(
      ({ problems, cells }) => problems === 0 && [...cells.values()].every((c) => c.findings === 0),
    )
  }

  /** Returns a line or more that say what this round came to. */
  add(fault: string, seed: number, { features, strikes, problem }: RoundResult): string {
    const row = this.#rows.get(fault) ?? { rounds: 0, strikes: 0, problems: 0, cells: new Map() }
    this.#rows.set(fault, row)
    row.rounds += 1
    row.strikes += strikes
    if (problem !== undefined) row.problems += 1
    const lines: string[] = []
    let operations = 0
    for (const [feature, result] of features) {
      const cell = row.cells.get(feature) ?? { operations: 0, answered: 0, findings: 0 }
      row.cells.set(feature, cell)
      cell.operations += result.operations
      cell.answered += result.answered
      cell.findings += count(result.findings)
      operations += result.operations
      lines.push(...result.findings.map(lineOf(feature)))
      if (result.findings.length > 0) lines.push(`    history: ${result.historyPath}`)
    }
    if (problem !== undefined) lines.push(`    did not come to its end: ${problem}`)
    const head = `${fault.padEnd(8)} seed ${seed}: ${strikes} strikes, ${operations} operations`
    return `${[head, ...lines].join('\n')}\n`
  }

  /** In Markdown: operations (of which answered) and findings of each cell. */
  text(): string {
    const heads = ['fault', 'rounds', 'strikes', ...this.#features]
    const lines = [`| ${heads.join(' | ')} |`, `|${heads.map(() => '---|').join('')}`]
    for (const [fault, { rounds, strikes, cells, problems }] of this.#rows) {
      const figures = this.#features.map((feature) => cellText(cells.get(feature)))
      const stuck = problems === 0 ? '' : ` (${problems} did not end)`
      lines.push(`| ${[fault, `${rounds}${stuck}`, strikes, ...figures].join(' | ')} |`)
    }
    return `${lines.join('\n')}\n`
  }
}

const lineOf = (feature: Feature) => (finding: Finding) =>
  `    ${feature}: ${finding.check}: ${finding.message}`

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return '–'
  const found = cell.findings === 0 ? '0 findings' : `**${cell.findings} findings**`
  return `${cell.operations.toLocaleString('en-US')} operations, ${found}`
}
