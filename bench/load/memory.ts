/** What a process holds, from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Resident memory in MB of 10^6 bytes; NaN where /proc does not tell. */
export function residentMb(pid: number): number {
  try {
    const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return (Number(kib) * 1_024) / 1e6
  } catch {
    return Number.NaN
  }
}

/** Files and sockets that a process has open. */
export function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return Number.NaN
  }
}

/** The sockets among them. */
export function openSockets(pid: number): number {
  try {
    const directory = `/proc/${pid}/fd`
    return readdirSync(directory).filter((fd) => isSocket(`${directory}/${fd}`)).length
  } catch {
    return Number.NaN
  }
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:')
  } catch {
    // It was closed meanwhile.
    return false
  }
}
