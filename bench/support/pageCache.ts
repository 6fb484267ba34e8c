/** The operating system's cache of files, emptied where that is allowed (root). */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

/** Writes everything out, then forgets it. False where the system refuses: reads are then warm. */
export function dropPageCache(): boolean {
  try {
    execFileSync('sync')
    writeFileSync('/proc/sys/vm/drop_caches', '1')
    return true
  } catch {
    return false
  }
}
