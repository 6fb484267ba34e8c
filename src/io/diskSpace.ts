/** How much room a disk has. */
import fs from 'node:fs/promises'

export interface DiskSpace {
  /** Left for this process: what the system keeps for its administrator is not counted. */
  readonly freeBytes: number
  readonly sizeBytes: number
}

/** Of the disk that `path` lies on; undefined where the system does not say. */
export async function diskSpace(path: string): Promise<DiskSpace | undefined> {
  try {
    const { bsize, bavail, blocks } = await fs.statfs(path)
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
  } catch {
    return undefined
  }
}
