/**
 * Files in one stream, as a plain tar: any `tar` reads it. Both ways no more is read than the other side takes.
 *
 * The library is loaded when the first backup is asked for, not at the start.
 */
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'

/** The content is to be run through once. */
export interface TarFile {
  readonly name: string
  readonly sizeBytes: number
  readonly content: Iterable<Buffer> | AsyncIterable<Buffer>
}

const BLOCK_BYTES = 512
/** Two blocks of zeros. */
const END_BYTES = 2 * BLOCK_BYTES
const NOTHING = Buffer.alloc(0)
/** Others have their turn after so many. */
const FILES_PER_TURN = 100
const CUT_OFF = 'its end is missing'
const blocksOf = (sizeBytes: number): number => Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES

/** The bundle has no other names of it than the default. */
const library = async () => (await import('tar-stream')).default

/** Bytes that are no tar. */
export class TarError extends Error {
  override readonly name = 'TarError'
}

/** The next of `files` is asked for when the content of the last was taken. Throws what they throw. */
export async function* writeTar(
  files: Iterable<TarFile> | AsyncIterable<TarFile>,
  modifiedMs: number,
): AsyncGenerator<Buffer> {
  const { pack } = await library()
  const tar = pack()
  const fill = async (): Promise<void> => {
    for await (const { name, sizeBytes, content } of files) {
      const header = { name, size: sizeBytes, mode: 0o600, mtime: new Date(modifiedMs) }
      await pipeline(content, tar.entry(header))
    }
    tar.finalize()
  }
  const filled = fill().catch((error: Error) => tar.destroy(error))
  try {
    yield* buffersOf(tar)
  } finally {
    tar.destroy()
    await filled
  }
}

/** The length of a tar of such files, in bytes: a tar of the same names without content, and the contents. */
export async function tarBytes(files: readonly Omit<TarFile, 'content'>[]): Promise<number> {
  const { pack } = await library()
  const tar = pack()
  const heads = (async (): Promise<number> => {
    let bytes = 0
    for await (const { length } of buffersOf(tar)) bytes += length
    return bytes
  })()
  for (const [i, { name }] of files.entries()) {
    await new Promise<unknown>((resolve) => tar.entry({ name, size: 0 }, NOTHING, resolve))
    if (i % FILES_PER_TURN === 0) await setImmediate()
  }
  tar.finalize()
  return files.reduce((sum, { sizeBytes }) => sum + blocksOf(sizeBytes), await heads)
}

/**
 * The files of a tar; the content of each is to be read to its end before the next one is asked for. What is no tar, or
 * no whole one, throws a TarError, here and from a content; what `chunks` throws comes out as it is.
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile> {
  const { extract } = await library()
  const source = new Source(chunks)
  const tar = extract()
  const fed = pipeline(source.read(), tar).catch(() => undefined)
  let endOfLast = 0
  try {
    for await (const entry of tar) {
      const { name, size, type } = entry.header
      if (type !== 'file') throw new TarError(`an entry of type ${type} is not ours`)
      endOfLast = entry.offset + BLOCK_BYTES + blocksOf(size)
      yield { name, sizeBytes: size, content: source.told(buffersOf(entry)) }
    }
    if (source.bytes < endOfLast + END_BYTES) throw new TarError(CUT_OFF)
  } catch (error) {
    throw source.tell(error)
  } finally {
    tar.destroy()
    await fed
  }
}

/** Keeps what went wrong with the bytes apart from what is wrong with them. */
class Source {
  bytes = 0
  readonly #chunks: AsyncIterable<Uint8Array>
  #failure: { readonly error: unknown } | undefined

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks
  }

  async *read(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#chunks) {
        this.bytes += chunk.length
        yield chunk
      }
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }

  async *told(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      yield* content
    } catch (error) {
      throw this.tell(new TarError(CUT_OFF, { cause: error }))
    }
  }

  tell(error: unknown): unknown {
    if (this.#failure !== undefined) return this.#failure.error
    if (error instanceof TarError) return error
    const why = error instanceof Error ? error.message : String(error)
    return new TarError(why === 'Unexpected end of data' ? CUT_OFF : why, { cause: error })
  }
}

async function* buffersOf(chunks: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    if (chunk instanceof Uint8Array) {
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    }
  }
}
