/** What the broker remembers besides records: each state machine's snapshot, and that its journal goes on from there. */
import { join } from 'node:path'
import { readWholeFile } from '../../io/index.ts'
import { type Finding, ok, problem } from '../../kernel/finding.ts'
import { survey } from '../../log/index.ts'
import { decodeSnapshotFile } from '../../state/index.ts'
import { messageOf, type Patient } from './patient.ts'

export async function* examineMachines(patient: Patient): AsyncGenerator<Finding> {
  const { fileSystem, path } = patient
  const state = join(path, 'state')
  const entries = (await fileSystem.exists(state)) ? await fileSystem.list(state) : []
  const wrong: string[] = []
  const names: string[] = []
  for (const { name } of entries) {
    const machine = join(state, name)
    // What has no journal is a cache, made again where it is of no use.
    if (!(await fileSystem.exists(join(machine, 'journal')))) continue
    names.push(name)
    const why = await machineProblem(patient, machine)
    if (why !== undefined) wrong.push(`${name}: ${why}`)
  }
  if (names.length === 0) return
  if (wrong.length === 0) {
    yield ok('journals', `${names.join(', ')}: snapshot and journal meet`)
    return
  }
  yield problem('journals', {
    message: `${wrong.length} of ${names.length} cannot be replayed: the daemon will not start`,
    advice: 'restore the newest backup into an empty directory: `goqueue restore`',
    details: wrong,
  })
}

/** Undefined where all is well. */
async function machineProblem(
  { fileSystem, inUse }: Patient,
  machine: string,
): Promise<string | undefined> {
  const bytes = await readWholeFile(fileSystem, join(machine, 'snapshot'))
  let journalOffset = 0
  try {
    if (bytes !== undefined) journalOffset = decodeSnapshotFile('snapshot', bytes).journalOffset
  } catch (error) {
    return messageOf(error)
  }
  for await (const { start, next } of survey(fileSystem, join(machine, 'journal'))) {
    if (journalOffset < start)
      return `the snapshot ends at ${journalOffset}, the journal begins at ${start}`
    // A running daemon may have written both while they were read.
    if (journalOffset > next && !inUse) {
      return `the snapshot ends at ${journalOffset}, the journal before it at ${next}`
    }
  }
  return undefined
}
