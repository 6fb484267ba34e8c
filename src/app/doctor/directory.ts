/**
 * Examining a data directory: whether a daemon could open it, and what it would find. Looks only; a daemon may have it
 * open meanwhile, and what it is writing in that moment is not taken for damage.
 */
import { join } from 'node:path'
import {
  type Access,
  accessTo,
  type DiskSpace,
  diskSpace,
  type FileSystem,
  lockHolder,
  nodeFileSystem,
  type ProcessIdentity,
} from '../../io/index.ts'
import { type Finding, ok, problem, warning } from '../../kernel/finding.ts'
import { GiB, MiB } from '../../kernel/units.ts'
import { FORMAT_VERSION, readFormat } from '../../log/index.ts'
import { readFailure } from '../readFailure.ts'
import { examineLogs } from './logs.ts'
import { examineMachines } from './machines.ts'
import { messageOf, type Patient } from './patient.ts'

/** The machine, as far as an examination looks at it. */
export interface Machine {
  readonly fileSystem: FileSystem
  readonly accessTo: (path: string) => Promise<Access>
  readonly diskSpace: (path: string) => Promise<DiskSpace | undefined>
  readonly lockHolder: (path: string) => Promise<ProcessIdentity | undefined>
}

export interface DirectoryExamination {
  readonly path: string
  /** Reads every record instead of the ends of the segments. */
  readonly deep: boolean
  /** Default: this one. */
  readonly machine?: Machine
}

const THIS_MACHINE: Machine = { fileSystem: nodeFileSystem, accessTo, diskSpace, lockHolder }

/** One finding a check, each as soon as it is known. Never rejects for what it finds. */
export async function* examineDirectory({
  path,
  deep,
  machine = THIS_MACHINE,
}: DirectoryExamination): AsyncGenerator<Finding> {
  const { fileSystem } = machine
  const there = await directoryFinding(path, machine)
  yield there
  if (there.status === 'problem') return
  const space = await machine.diskSpace(path)
  if (space !== undefined) yield spaceFinding(space)
  try {
    if (await isUnused(fileSystem, path)) {
      yield ok('format', 'an empty directory, to be filled by the first start')
      return
    }
    const format = await formatFinding(fileSystem, path)
    yield format
    if (format.status === 'problem') return
    const holder = await machine.lockHolder(path)
    yield lockFinding(holder)
    const clean = await fileSystem.exists(join(path, 'CLEAN'))
    const patient = { path, deep, fileSystem, inUse: holder !== undefined, clean }
    yield cleanFinding(patient)
    yield* examineLogs(patient)
    yield* examineMachines(patient)
  } catch (error) {
    yield problem('files', {
      message: messageOf(readFailure(error, path)),
      advice:
        'give the user that runs goqueue the right to read it, or look at the disk: dmesg, smartctl',
    })
  }
}

async function directoryFinding(path: string, machine: Machine): Promise<Finding> {
  const check = 'directory'
  const access = await machine.accessTo(path)
  if (!access.exists) {
    return problem(check, {
      message: `there is no ${path}`,
      advice: 'name another with --data-dir; `goqueue serve` makes a new one',
    })
  }
  if (!access.isDirectory) {
    return problem(check, {
      message: `${path} is no directory`,
      advice: 'name the directory that holds FORMAT and topics/ with --data-dir',
    })
  }
  const inside = access.read ? await machine.fileSystem.list(path) : []
  const paths = [path, ...inside.map(({ name }) => join(path, name))]
  const refused: string[] = []
  for (const each of paths) {
    const { read, write } = await machine.accessTo(each)
    if (!read || !write) refused.push(`${each} cannot be ${read ? 'written' : 'read'}`)
  }
  if (refused.length === 0) return ok(check, `${path} can be read and written`)
  return problem(check, {
    message: `${refused[0]} by this user`,
    advice: `make it the property of the user that runs goqueue: chown -R <user> ${path}`,
    details: refused.slice(1),
  })
}

const LOW = { bytes: 1 * GiB, share: 0.1 }
const FULL_BYTES = 64 * MiB

function spaceFinding({ freeBytes, sizeBytes }: DiskSpace): Finding {
  const check = 'disk space'
  const share = sizeBytes === 0 ? 1 : freeBytes / sizeBytes
  const message = `${(freeBytes / GiB).toFixed(1)} GiB free, ${Math.round(share * 100)} % of the disk`
  const advice =
    'make room, or shorten the retention of the largest topics: `goqueue topic configure`'
  if (freeBytes < FULL_BYTES) return problem(check, { message, advice })
  if (freeBytes < LOW.bytes || share < LOW.share) return warning(check, { message, advice })
  return ok(check, message)
}

/** Hidden files, such as those of version control, are no data. */
const isUnused = async (fileSystem: FileSystem, path: string): Promise<boolean> =>
  (await fileSystem.list(path)).every(({ name }) => name.startsWith('.'))

async function formatFinding(fileSystem: FileSystem, path: string): Promise<Finding> {
  const check = 'format'
  const format = await readFormat(fileSystem, path)
  if (format === undefined) {
    return problem(check, {
      message: `${join(path, 'FORMAT')} names no format`,
      advice: `is it a data directory? If so write {"format":${FORMAT_VERSION}} into it, or restore a backup`,
    })
  }
  if (format > FORMAT_VERSION) {
    return problem(check, {
      message: `format ${format}, this version knows up to ${FORMAT_VERSION}`,
      advice: 'run the version of goqueue that wrote it, or a newer one',
    })
  }
  if (format === 0) {
    return warning(check, {
      message: 'it has no FORMAT: no daemon has opened it yet, or it is no data directory',
      advice: 'name the directory that holds topics/ and state/ with --data-dir',
    })
  }
  const upgrade = format < FORMAT_VERSION ? `; the next start makes it ${FORMAT_VERSION}` : ''
  return ok(check, `format ${format}${upgrade}`)
}

const lockFinding = (holder: ProcessIdentity | undefined): Finding =>
  holder === undefined
    ? ok('lock', 'free: no daemon has it open')
    : ok('lock', `in use by process ${holder.pid} on ${holder.host}`)

function cleanFinding({ clean, inUse }: Patient): Finding {
  const check = 'last stop'
  if (inUse) return ok(check, 'a daemon runs')
  if (clean) return ok(check, 'in order')
  return warning(check, {
    message: 'not in order: the process was killed, or the machine went down',
    advice: 'nothing: the next start checks the ends of all logs by itself',
  })
}
