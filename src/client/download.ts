/** Replies that are too large to be gathered: handed on as they come. */
import type { Dispatcher } from 'undici'
import { errorOfExchange, errorOfReply } from './transportErrors.ts'

export interface Download {
  /** Undefined where the broker does not say. */
  readonly sizeBytes: number | undefined
  /** In order; rejects with CONNECTION_FAILED where the connection breaks. To be run through once. */
  readonly chunks: AsyncIterable<Uint8Array>
}

export interface DownloadRequest {
  readonly dispatcher: Dispatcher
  /** As it is shown in errors, and as it is asked for. */
  readonly origin: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Longest wait for the reply, and between two pieces of it, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Resolves when the reply begins. Rejects as an exchange does. */
export async function download(request: DownloadRequest): Promise<Download> {
  const { dispatcher, origin, path, headers, timeoutMs, signal } = request
  const failure = (error: unknown) =>
    errorOfExchange({ error, origin, changes: false, aborted: signal?.aborted === true })
  const options = {
    ...({ method: 'GET', path, headers: { ...headers } } as const),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  }
  const reply = await dispatcher.request(options).catch((error: unknown) => {
    throw failure(error)
  })
  if (reply.statusCode >= 400) {
    const body = await reply.body.text()
    const retryAfter = reply.headers['retry-after']
    throw errorOfReply({
      status: reply.statusCode,
      url: origin + path,
      body,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
    })
  }
  const length = Number(reply.headers['content-length'])
  return {
    sizeBytes: Number.isSafeInteger(length) ? length : undefined,
    chunks: chunksOf(reply.body, failure),
  }
}

async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  failure: (error: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw failure(error)
  }
}
