/**
 * Takes request bodies in as bytes, whole and bounded: each by a limit of its route, all together by the
 * listener's budget. What a body means is for the route to find out.
 *
 * A body that is refused is read on and thrown away, so that the client, still sending, gets to see why; how long
 * that may take is bounded by the time a request may take to arrive.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { BrokerError } from '../../kernel/errors.ts'
import type { BodyBlocks } from './bodyBlocks.ts'
import type { Traffic } from './traffic.ts'

type Done = (error: Error | null, body?: Buffer) => void

const NO_BYTES = Buffer.alloc(0)

export interface BodyReading {
  readonly traffic: Traffic
  readonly bytesMax: number
  /** Where bodies go whose length is known before they come; default memory of their own. */
  readonly blocks?: BodyBlocks
}

/** Lets routes of `app` take bodies of `contentType`; `request.body` is then a Buffer, of no bytes where there were none. */
export function acceptBodies(
  app: FastifyInstance,
  contentType: string,
  reading: BodyReading,
): void {
  app.addContentTypeParser(contentType, (request, _, done: Done) => {
    readBody(request, reading, done)
  })
}

function readBody(request: FastifyRequest, reading: BodyReading, done: Done): void {
  const { traffic, bytesMax, blocks } = reading
  const { raw, flight } = request
  let chunks: Buffer[] = []
  let length = 0
  let isOver = false
  // The listeners stay where they are: taking them off costs more than not listening to what they say.
  const finish = (error: Error | null, body?: Buffer): void => {
    isOver = true
    chunks = []
    done(error, body)
  }
  const refuse = (error: unknown): void => {
    if (isOver) return
    raw.resume()
    finish(error instanceof Error ? error : new Error(String(error)))
  }
  const refusal = headProblem(request, bytesMax)
  if (refusal !== undefined) {
    raw.on('error', ignore)
    refuse(refusal)
    return
  }
  const block = blocks?.take(Number(request.headers['content-length'] ?? 0))
  raw.on('data', (chunk: Buffer) => {
    if (isOver) return
    length += chunk.length
    if (length > bytesMax) {
      refuse(tooLarge(bytesMax))
      return
    }
    try {
      traffic.hold(flight, chunk.length)
      // No parser lets more through than the head has announced.
      if (block === undefined) chunks.push(chunk)
      else block.set(chunk, length - chunk.length)
    } catch (error) {
      refuse(error)
    }
  })
  raw.on('end', () => {
    if (isOver) return
    if (block !== undefined) finish(null, block.subarray(0, length))
    else finish(null, length === 0 ? NO_BYTES : joined(chunks, length))
  })
  raw.on('error', () => refuse(new BrokerError('INVALID_REQUEST', 'the body broke off')))
}

/** A body that came in one piece is taken as it is; not where it is a view, which would keep what lies around it. */
function joined(chunks: readonly Buffer[], length: number): Buffer {
  const [first] = chunks
  const isWhole = first?.length === length && first.buffer.byteLength === length
  return isWhole ? first : Buffer.concat(chunks, length)
}

/** What the headers already say. */
function headProblem({ headers }: FastifyRequest, bytesMax: number): BrokerError | undefined {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    return new BrokerError('UNSUPPORTED_MEDIA_TYPE', `content-encoding ${encoding} is not taken`)
  }
  return Number(headers['content-length'] ?? 0) > bytesMax ? tooLarge(bytesMax) : undefined
}

const ignore = (): void => {}

const tooLarge = (bytesMax: number): BrokerError =>
  new BrokerError('REQUEST_TOO_LARGE', `the body is larger than ${bytesMax} bytes`)
