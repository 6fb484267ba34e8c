import { nodeFileSystem } from '../io/index.ts'
import { EXIT } from '../kernel/exitCodes.ts'
import { Failure } from '../kernel/failure.ts'
import { KiB } from '../kernel/units.ts'

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
    return { sizeBytes: await file.size(), chunks: chunksOf(file) }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Failure(EXIT.NO_INPUT, `cannot read ${path}: ${problem}`, { cause: error })
  }
}

type OpenFile = Awaited<ReturnType<(typeof nodeFileSystem)['open']>>

async function* chunksOf(file: OpenFile): AsyncGenerator<Uint8Array> {
  try {
    for (let position = 0; ; ) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      const count = await file.read(chunk, position)
      if (count === 0) return
      yield chunk.subarray(0, count)
      position += count
    }
  } finally {
    await file.close()
  }
}
