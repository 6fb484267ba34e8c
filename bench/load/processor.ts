/** Processor time of a process, from /proc: how busy it was while a turn ran. */
import { readFileSync } from 'node:fs'

/** Clock ticks of /proc/<pid>/stat; 100 a second on every Linux that Node runs on. */
const TICK_MS = 10
const UTIME = 11
const STIME = 12

/** Milliseconds of processor time so far, all threads; NaN where /proc does not tell. */
export function processorMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is a name in parentheses that may hold anything: count behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[UTIME]) + Number(fields[STIME])) * TICK_MS
  } catch {
    return Number.NaN
  }
}

/** Shares of one core since the meter was made: above 1 where several threads worked. */
export interface Busy {
  readonly client: number
  readonly server: number
  /** Processor time of the server in milliseconds. */
  readonly serverMs: number
}

export interface BusyMeter {
  read(): Busy
}

/** As {@link meterBusy}, but what goes before the warm-up is over does not count. Read once. */
export function meterBusyAfter(warmupMs: number, serverPid: number): BusyMeter {
  let meter = meterBusy(serverPid)
  const timer = setTimeout(() => {
    meter = meterBusy(serverPid)
  }, warmupMs)
  return {
    read() {
      clearTimeout(timer)
      return meter.read()
    },
  }
}

export function meterBusy(serverPid: number): BusyMeter {
  const startedMs = performance.now()
  const clientMs = processorMs(process.pid)
  const serverMs = processorMs(serverPid)
  return {
    read() {
      const elapsedMs = performance.now() - startedMs
      const usedMs = processorMs(serverPid) - serverMs
      return {
        client: (processorMs(process.pid) - clientMs) / elapsedMs,
        server: usedMs / elapsedMs,
        serverMs: usedMs,
      }
    },
  }
}
