import fs from 'node:fs/promises'

const OTHERS_MAY_READ = 0o004

/** True where every user of the machine may read the file. Always false where the system has no such modes. */
export async function isReadableByAll(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false
  const { mode } = await fs.stat(path)
  return (mode & OTHERS_MAY_READ) !== 0
}
