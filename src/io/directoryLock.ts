/**
 * One process per directory, by a lock that a crash does not leave behind.
 *
 * Node has no flock, so the lock is a claim: a file in `<directory>/LOCK/` whose name says which process
 * made it (pid and start time; its content adds host and boot for people and for other machines).
 *
 *   1. create the claim (O_EXCL: a second claim of one process fails here)
 *   2. list the others: a claim of a dead process is removed, one of a living process means "locked",
 *      and then the own claim is withdrawn
 *
 * Of two processes the later to create its claim sees the other's, so never both hold. Both may withdraw;
 * they try again after a random wait. Nothing is ever taken over: a name belongs to one process for ever,
 * so removing a dead one cannot hit a successor.
 *
 * A process is dead when its pid is gone, is a zombie, or started at another time (Linux, /proc); elsewhere
 * by pid alone. Claims made before the machine's last start are dead; a claim from another host or container
 * cannot be judged and counts as living.
 */
import fs from 'node:fs/promises'
import os from 'node:os'
import { join } from 'node:path'
import { BrokerError } from '../kernel/errors.ts'

const LOCK_NAME = 'LOCK'
const ATTEMPTS = 5
const RETRY_MS_MAX = 40

export interface DirectoryLock {
  /** Gives the directory free; a second call does nothing. */
  release(): Promise<void>
}

/** Who made a claim. */
export interface ProcessIdentity {
  readonly pid: number
  /** When the process started, in the kernel's own count; `0` where the system does not say. */
  readonly started: string
  readonly host: string
  /** Names this run of the machine's kernel; empty where the system does not say. */
  readonly boot: string
}

/**
 * Locks `directory`, which must exist. Rejects with DATA_DIR_LOCKED, naming the holder, while a living process
 * (this one included) holds it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const folder = join(directory, LOCK_NAME)
  await fs.mkdir(folder, { recursive: true })
  const self = await identityOf(process.pid)
  const claim = join(folder, claimName(self))
  for (let attempt = 1; ; attempt += 1) {
    await createClaim(claim, self, directory)
    const holder = await livingHolder(folder, self)
    if (holder === undefined) return { release: () => fs.rm(claim, { force: true }) }
    await fs.rm(claim, { force: true })
    if (attempt === ATTEMPTS) throw locked(directory, holder)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * RETRY_MS_MAX))
  }
}

/** The living process that holds `directory`; undefined where it is free. Changes nothing. */
export async function lockHolder(directory: string): Promise<ProcessIdentity | undefined> {
  return await livingHolder(join(directory, LOCK_NAME), undefined)
}

const claimName = (identity: ProcessIdentity): string => `${identity.pid}-${identity.started}`

const locked = (directory: string, holder: ProcessIdentity): BrokerError =>
  new BrokerError(
    'DATA_DIR_LOCKED',
    `${directory} is in use by process ${holder.pid} on ${holder.host}`,
  )

async function createClaim(path: string, self: ProcessIdentity, directory: string): Promise<void> {
  try {
    await fs.writeFile(path, `${JSON.stringify(self)}\n`, { flag: 'wx' })
  } catch (error) {
    if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw locked(directory, self)
    }
    throw error
  }
}

async function livingHolder(
  folder: string,
  self: ProcessIdentity | undefined,
): Promise<ProcessIdentity | undefined> {
  const names = await fs.readdir(folder).catch(() => [])
  for (const name of names) {
    if (self !== undefined && name === claimName(self)) continue
    const claim = await readClaim(join(folder, name), name)
    if (await isAlive(claim)) return claim
    if (self === undefined) continue
    await fs.rm(join(folder, name), { force: true })
  }
  return undefined
}

/** The claim's maker; from the name alone where a crash left the content unwritten. */
async function readClaim(path: string, name: string): Promise<ProcessIdentity> {
  const [pid = '0', started = '0'] = name.split('-')
  const fallback = { pid: Number(pid), started, host: os.hostname(), boot: '' }
  try {
    const claim: unknown = JSON.parse(await fs.readFile(path, 'utf8'))
    return typeof claim === 'object' && claim !== null ? { ...fallback, ...claim } : fallback
  } catch {
    return fallback
  }
}

async function isAlive(claim: ProcessIdentity): Promise<boolean> {
  if (claim.host !== os.hostname()) return true
  const boot = await bootId()
  if (claim.boot !== '' && boot !== '' && claim.boot !== boot) return false
  if (boot === '') return answersSignals(claim.pid)
  const stat = await processStat(claim.pid)
  return stat !== undefined && !stat.ended && stat.started === claim.started
}

/** True for a process that exists, also where it belongs to someone else. */
function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function identityOf(pid: number): Promise<ProcessIdentity> {
  const stat = await processStat(pid)
  return { pid, started: stat?.started ?? '0', host: os.hostname(), boot: await bootId() }
}

const bootId = async (): Promise<string> =>
  (await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()

/** The fields behind the command's name, which may itself hold spaces and brackets. */
async function processStat(
  pid: number,
): Promise<{ readonly started: string; readonly ended: boolean } | undefined> {
  const text = await fs.readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const state = fields[0] ?? ''
  return { started: fields[19] ?? '0', ended: 'ZXx'.includes(state) }
}
