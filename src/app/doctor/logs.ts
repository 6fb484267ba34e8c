/** The logs of a data directory: their ends, or with `deep` every record and index entry. */
import { basename, dirname, join, relative } from 'node:path'
import { type Finding, ok, problem, warning } from '../../kernel/finding.ts'
import { MiB } from '../../kernel/units.ts'
import {
  type InspectLine,
  inspect,
  type ProblemLine,
  type SurveyProblem,
  survey,
} from '../../log/index.ts'
import type { Patient } from './patient.ts'

const AREAS = ['topics', 'delay', 'state'] as const
const TORN = /\.torn$/

export async function* examineLogs(patient: Patient): AsyncGenerator<Finding> {
  const found: Found = { logs: 0, segments: 0, sizeBytes: 0, records: 0, problems: [] }
  for (const area of AREAS) {
    const path = join(patient.path, area)
    if (!(await patient.fileSystem.exists(path))) continue
    await look(patient, path, found)
    if (patient.deep) await read(patient, path, found)
  }
  yield* findings(patient, found)
  yield tornFinding(await tornFiles(patient))
}

interface Found {
  logs: number
  segments: number
  sizeBytes: number
  /** Read one by one. */
  records: number
  readonly problems: SurveyProblem[]
}

async function look({ fileSystem }: Patient, path: string, found: Found): Promise<void> {
  for await (const log of survey(fileSystem, path)) {
    found.logs += 1
    found.segments += log.segments
    found.sizeBytes += log.sizeBytes
    found.problems.push(...log.problems)
  }
}

/** More of them say no more. */
const PROBLEMS_MAX = 1_000

/** Every record and index entry. */
async function read(patient: Patient, path: string, found: Found): Promise<void> {
  const deeper: ProblemLine[] = []
  /** By directory: the one that is written. */
  const newest = new Map<string, string>()
  for await (const line of inspectIfAny(patient.fileSystem, path)) {
    if (line.kind === 'record') found.records += 1
    else if (line.kind === 'segment') newest.set(dirname(line.file), line.file)
    else if (line.kind === 'problem' && deeper.length < PROBLEMS_MAX) deeper.push(line)
  }
  const isBeingWritten = (file: string): boolean =>
    patient.inUse && newest.get(dirname(file)) === file
  add(found, deeper, isBeingWritten)
}

/** What lies in a file behind a problem that the quick look found belongs to that one. */
function add(
  { problems }: Found,
  deeper: readonly ProblemLine[],
  isBeingWritten: (file: string) => boolean,
): void {
  const firstAt = new Map(problems.map(({ file, position }) => [file, position]))
  for (const { file, position, reason, repairable } of deeper) {
    if (position >= (firstAt.get(file) ?? Number.POSITIVE_INFINITY)) continue
    const kind = repairable ? 'index' : isBeingWritten(file) ? 'torn' : 'damage'
    problems.push({ kind, file, position, reason })
  }
}

async function* inspectIfAny(
  fileSystem: Patient['fileSystem'],
  path: string,
): AsyncGenerator<InspectLine> {
  let isAny = false
  for await (const _ of survey(fileSystem, path)) {
    isAny = true
    break
  }
  if (isAny) yield* inspect(fileSystem, path)
}

function* findings(patient: Patient, { problems, ...found }: Found): Generator<Finding> {
  const { clean, inUse, path, deep } = patient
  // After a stop in order nothing may be torn; while a daemon writes, an end that is not whole yet is none.
  const isDamage = ({ kind }: SurveyProblem): boolean =>
    kind === 'damage' || (kind === 'torn' && clean && !inUse)
  const damaged = problems.filter(isDamage)
  const torn = inUse ? [] : problems.filter((each) => each.kind === 'torn' && !isDamage(each))
  const index = problems.filter(({ kind }) => kind === 'index')
  const told = (list: readonly SurveyProblem[]): readonly string[] =>
    list.map((each) => `${relative(path, each.file)} at ${each.position}: ${each.reason}`)
  const size = `${found.logs} logs, ${found.segments} segments, ${(found.sizeBytes / MiB).toFixed(1)} MiB`
  const how = deep ? `all ${found.records} records read` : 'their ends read; --deep reads all'
  if (damaged.length > 0) {
    yield problem('segments', {
      message: `${damaged.length} damaged: these partitions will not open`,
      advice:
        'restore a backup, or move the partition aside; `goqueue dump <segment>` prints what can still be read',
      details: told(damaged),
    })
  } else yield ok('segments', `${size}; ${how}`)
  if (torn.length > 0) {
    yield warning('torn ends', {
      message: `${torn.length} logs end in the middle of a write`,
      advice:
        'nothing: the next start cuts that off and keeps it as .torn; none of it was acknowledged',
      details: told(torn),
    })
  }
  if (index.length > 0) {
    yield warning('indexes', {
      message: `${index.length} places of indexes are not what they should be`,
      advice: `stop the daemon and run \`goqueue dump ${path} --repair\`; records are not at stake`,
      details: told(index),
    })
  } else yield ok('indexes', deep ? 'all entries match their records' : 'whole')
}

interface TornFile {
  readonly name: string
  readonly sizeBytes: number
}

async function tornFiles({ fileSystem, path }: Patient): Promise<readonly TornFile[]> {
  const torn: TornFile[] = []
  const walk = async (directory: string): Promise<void> => {
    for (const { name, isDirectory } of await fileSystem.list(directory)) {
      const full = join(directory, name)
      if (isDirectory) await walk(full)
      if (isDirectory || !TORN.test(name)) continue
      const file = await fileSystem.open(full, { mode: 'read' })
      torn.push({ name: relative(path, full), sizeBytes: await file.size() })
      await file.close()
    }
  }
  await walk(path)
  return torn
}

function tornFinding(torn: readonly TornFile[]): Finding {
  if (torn.length === 0) return ok('torn files', 'none')
  const bytes = torn.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return warning('torn files', {
    message: `${torn.length} with ${bytes} bytes that earlier starts cut off, such as ${basename(torn[0]?.name ?? '')}`,
    advice: 'nothing in them was acknowledged; delete them once nobody wants to look',
    details: torn.map(({ name, sizeBytes }) => `${name}: ${sizeBytes} bytes`),
  })
}
