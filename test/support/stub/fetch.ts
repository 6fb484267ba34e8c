/** Replies to POST /fetch: frames back to back, one for each read that has something to say. */
import { BrokerError, ERRORS } from '../../../src/kernel/errors.ts'
import { recordLength, recordOffset } from '../../../src/record/index.ts'
import type { StubLog, StubTopics } from './log.ts'

export interface ReadWish {
  readonly reads: readonly { topic: string; partition: number; offset: number }[]
  readonly max_bytes?: number
  readonly timeout?: number
}

interface Found {
  readonly frames: Buffer[]
  readonly logs: StubLog[]
}

/** Empty where nothing came within the timeout, the caller left or `until` ended the wait. */
export async function fetchFrames(
  broker: StubTopics,
  wish: ReadWish,
  signal: AbortSignal | undefined,
  until: (end: () => void) => () => void = () => () => undefined,
): Promise<Buffer> {
  const { frames, logs } = look(broker, wish)
  if (frames.length > 0 || !wish.timeout) return Buffer.concat(frames)
  await new Promise<void>((resolve) => {
    const end = (): void => {
      timer.cancel()
      for (const stop of stops) stop()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = broker.clock.setTimer(wish.timeout ?? 0, end)
    const stops = [...logs.map((log) => log.onAppend(end)), until(end)]
    if (signal?.aborted) end()
    signal?.addEventListener('abort', end)
  })
  return Buffer.concat(look(broker, wish).frames)
}

function look(broker: StubTopics, { reads, max_bytes = 1024 * 1024 }: ReadWish): Found {
  const found: Found = { frames: [], logs: [] }
  let left = max_bytes
  for (const [index, { topic, partition, offset }] of reads.entries()) {
    try {
      const log = broker.log(topic, partition)
      found.logs.push(log)
      if (offset < log.earliest || offset > log.latest) {
        const range = { earliest: `${log.earliest}`, latest: `${log.latest}` }
        throw new BrokerError('OFFSET_OUT_OF_RANGE', `${offset}`, { fields: range })
      }
      if (left <= 0 || offset === log.latest) continue
      const bytes = log.read(offset, left)
      left -= bytes.length
      found.frames.push(frame(index, 0, { next: offsetAfter(bytes), high: log.latest, bytes }))
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      const next = Number(error.fields?.['earliest'] ?? 0)
      const high = Number(error.fields?.['latest'] ?? 0)
      const none = { next, high, bytes: Buffer.alloc(0) }
      found.frames.push(frame(index, ERRORS[error.code].wire, none))
    }
  }
  return found
}

interface FrameBody {
  readonly next: number
  readonly high: number
  readonly bytes: Buffer
}

function frame(index: number, error: number, { next, high, bytes }: FrameBody): Buffer {
  const head = Buffer.alloc(28)
  head.writeUInt32BE(index, 0)
  head.writeInt32BE(error, 4)
  head.writeBigUInt64BE(BigInt(next), 8)
  head.writeBigUInt64BE(BigInt(high), 16)
  head.writeUInt32BE(bytes.length, 24)
  return Buffer.concat([head, bytes])
}

function offsetAfter(bytes: Buffer): number {
  let next = 0
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    next = recordOffset(bytes, at) + 1
  }
  return next
}
