/** Records of one partition as they came, until a handler has them. */
import { BrokerError } from '../../kernel/errors.ts'
import {
  checksumMatches,
  isControl,
  recordLength,
  recordOffset,
  recordProblem,
} from '../../record/index.ts'
import type { PartitionCursor } from './cursor.ts'
import { ConsumedMessage, type MessageSource } from './message.ts'

/** One answer to a fetch: its bytes stay in memory until the last chunk of it is done with. */
export interface Reply {
  readonly byteLength: number
  chunks: number
}

export class Chunk {
  readonly cursor: PartitionCursor
  readonly reply: Reply
  readonly bytes: Buffer
  readonly nextOffset: number
  readonly #version: number

  constructor(cursor: PartitionCursor, reply: Reply, bytes: Buffer, nextOffset: number) {
    this.cursor = cursor
    this.reply = reply
    this.bytes = bytes
    this.nextOffset = nextOffset
    this.#version = cursor.version
  }

  /** True where something happened since it came that makes it worthless. */
  get isStale(): boolean {
    return this.#version !== this.cursor.version
  }

  /** The messages that were not handed out before, each record's checksum verified. Throws CORRUPT_RECORD. */
  messages(): ConsumedMessage[] {
    const { bytes, cursor } = this
    const { topic, partition, delivered } = cursor
    const source: MessageSource = { topic, partition, bytes }
    const messages: ConsumedMessage[] = []
    for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
      const problem = recordProblem(bytes, at, bytes.length)
      if (problem !== undefined) throw corrupt(source, at, problem)
      if (!checksumMatches(bytes, at)) throw corrupt(source, at, 'checksum does not match')
      if (recordOffset(bytes, at) >= delivered && !isControl(bytes, at)) {
        messages.push(new ConsumedMessage(source, at))
      }
    }
    return messages
  }
}

const corrupt = ({ topic, partition }: MessageSource, at: number, why: string): BrokerError =>
  new BrokerError('CORRUPT_RECORD', `${topic}-${partition}: at byte ${at} of a reply: ${why}`)
