import { nodeFileSystem } from '../io/index.ts'
import { KiB } from '../kernel/units.ts'
import { readFailure } from './readFailure.ts'

const CHUNK_BYTES = 256 * KiB

export interface FileChunks {
  readonly sizeBytes: number
  /** The content in order; to be run through once. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** Rejects with a Failure where there is no such file or it cannot be read. */
export async function readFileChunks(path: string): Promise<FileChunks> {
  try {
    const file = await nodeFileSystem.open(path, { mode: 'read' })
    return { sizeBytes: await file.size(), chunks: chunksOf(file, path) }
  } catch (error) {
    throw readFailure(error, path)
  }
}

type OpenFile = Awaited<ReturnType<(typeof nodeFileSystem)['open']>>

async function* chunksOf(file: OpenFile, path: string): AsyncGenerator<Uint8Array> {
  try {
    for (let position = 0; ; ) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      const count = await file.read(chunk, position).catch((error: unknown) => {
        throw readFailure(error, path)
      })
      if (count === 0) return
      yield chunk.subarray(0, count)
      position += count
    }
  } finally {
    await file.close()
  }
}
