/** A backup into a file: under another name until it is whole, and checked while it is written. */
import { dirname } from 'node:path'
import { nodeFileSystem } from '../../io/index.ts'
import { EXIT } from '../../kernel/exitCodes.ts'
import { Failure } from '../../kernel/failure.ts'
import { readBackup } from './checking.ts'
import type { Manifest } from './manifest.ts'

const PARTIAL = '.part'

export interface SaveOptions {
  readonly backup: AsyncIterable<Uint8Array>
  readonly path: string
  /** Replaces a file that is there. Default false. */
  readonly replace?: boolean
  readonly onProgress?: (doneBytes: number) => void
}

/** Resolves when the file is whole and on disk. Rejects with CORRUPT_RECORD where what came is no whole backup. */
export async function saveBackup(options: SaveOptions): Promise<Manifest> {
  const { backup, path, replace = false, onProgress } = options
  if (!replace) await checkFree(path)
  const partial = path + PARTIAL
  const file = await nodeFileSystem.open(partial, { mode: 'create' }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Failure(EXIT.CANNOT_CREATE, `cannot write ${partial}: ${why}`, { cause })
  })
  try {
    await file.truncate(0)
    const kept = async function* (): AsyncGenerator<Uint8Array> {
      let position = 0
      for await (const chunk of backup) {
        await file.write(chunk, position)
        position += chunk.length
        onProgress?.(position)
        yield chunk
      }
    }
    const manifest = await readBackup(kept())
    await file.datasync()
    await file.close()
    await nodeFileSystem.rename(partial, path)
    await nodeFileSystem.syncDirectory(dirname(path))
    return manifest
  } catch (error) {
    await file.close().catch(() => undefined)
    await nodeFileSystem.remove(partial).catch(() => undefined)
    throw error
  }
}

/** To be asked before the broker is: it should not begin what cannot be kept. */
export async function checkFree(path: string): Promise<void> {
  if (!(await nodeFileSystem.exists(path))) return
  throw new Failure(EXIT.CANNOT_CREATE, `${path} is there already`, {
    hint: '--force replaces it, once the new one is whole',
  })
}
