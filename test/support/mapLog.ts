/**
 * What V8 says of the hidden classes ("maps") that a process made. A place in the code that makes one each time it runs
 * is slow, and so is what handles its objects: see docs/decisions/0012-literals-without-spreads.md.
 */
import { readFile } from 'node:fs/promises'

/** For `node`. The file is complete when the process has ended by itself. */
export const mapLogFlags = (path: string): readonly string[] => [
  '--log-maps',
  '--no-log-maps-details',
  '--no-logfile-per-isolate',
  `--logfile=${path}`,
]

/** Where properties were added to objects of new classes at least `timesMin` times: `name (line:column) × times`. */
export async function placesThatMakeMaps(path: string, timesMin: number): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.startsWith('map,'))
  if (lines.length === 0) throw new Error(`${path} says nothing of maps`)
  const times = new Map<string, number>()
  for (const line of lines) {
    // map,<event>,<time>,<from>,<to>,<address>,<line>,<column>,<reason>,<property>
    const [, event, , , , , row, column, , name] = line.split(',')
    if (event !== 'Transition') continue
    const place = `${name} (${row}:${column})`
    times.set(place, (times.get(place) ?? 0) + 1)
  }
  return [...times].filter(([, n]) => n >= timesMin).map(([place, n]) => `${place} × ${n}`)
}
