/** Lines that fit a screen: facts in a row, and tables that leave out what there is no room for. */

export type Paint = (text: string) => string

export interface TableCell {
  readonly text: string
  readonly paint?: Paint | undefined
}

export interface Column<Row> {
  readonly heading: string
  /** The lowest leaves last; the first column, a name, never does. */
  readonly rank: number
  readonly cell: (row: Row) => TableCell
}

const GAP = 2
const NAME_CHARS_MIN = 8

/** Headings and rows, none wider than `width`: columns go by their rank, then the name is shortened. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, dim }: { readonly width: number; readonly dim: Paint },
): readonly string[] {
  const cells = columns.map((column) => rows.map((row) => column.cell(row)))
  const widths = columns.map(({ heading }, i) =>
    Math.max(heading.length, ...(cells[i] ?? []).map(({ text }) => text.length)),
  )
  const shown = fitting(columns, widths, width)
  const others = shown.slice(1).reduce((sum, i) => sum + GAP + (widths[i] ?? 0), 0)
  widths[0] = Math.max(NAME_CHARS_MIN, Math.min(widths[0] ?? 0, width - others))
  const line = (cellOf: (column: number) => TableCell): string =>
    shown
      .map((column, place) => {
        const { text, paint = plain } = cellOf(column)
        const room = widths[column] ?? 0
        return paint(place === 0 ? shortened(text, room).padEnd(room) : text.padStart(room))
      })
      .join(' '.repeat(GAP))
  return [
    line((column) => ({ text: columns[column]?.heading.toUpperCase() ?? '', paint: dim })),
    ...rows.map((_, row) => line((column) => cells[column]?.[row] ?? { text: '' })),
  ]
}

/** The indexes of the columns that have room, in their order. */
function fitting<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  width: number,
): readonly number[] {
  let shown = columns.map((_, i) => i)
  const needed = (): number =>
    shown.reduce((sum, i) => sum + GAP + (i === 0 ? NAME_CHARS_MIN : (widths[i] ?? 0)), -GAP)
  while (shown.length > 1 && needed() > width) {
    const highest = Math.max(...shown.slice(1).map((i) => columns[i]?.rank ?? 0))
    shown = shown.filter((i) => i === 0 || columns[i]?.rank !== highest)
  }
  return shown
}

/** `one  two  three`, on as many lines as it takes. Colours are not counted. */
export function flowed(facts: readonly TableCell[], width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  let used = 0
  for (const { text, paint = plain } of facts) {
    const fact = shortened(text, width)
    const fits = used > 0 && used + GAP + fact.length <= width
    if (used > 0 && !fits) lines.push(line)
    line = fits ? line + ' '.repeat(GAP) + paint(fact) : paint(fact)
    used = fits ? used + GAP + fact.length : fact.length
  }
  return used > 0 ? [...lines, line] : lines
}

const shortened = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`

const plain: Paint = (text) => text
