/** Whether this process may use a path. */
import fs from 'node:fs/promises'

/** `read` and `write` of what is there; a directory must also be one that can be entered. */
export interface Access {
  readonly exists: boolean
  readonly isDirectory: boolean
  readonly read: boolean
  readonly write: boolean
}

/** Never rejects: what cannot even be asked about is not accessible. */
export async function accessTo(path: string): Promise<Access> {
  const stats = await fs.stat(path).catch(() => undefined)
  const isDirectory = stats?.isDirectory() ?? false
  const enter = isDirectory ? fs.constants.X_OK : 0
  const may = (mode: number): Promise<boolean> =>
    fs.access(path, mode | enter).then(
      () => true,
      () => false,
    )
  const [read, write] = await Promise.all([may(fs.constants.R_OK), may(fs.constants.W_OK)])
  return { exists: stats !== undefined, isDirectory, read, write }
}
