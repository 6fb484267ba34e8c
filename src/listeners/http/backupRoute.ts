/** A backup as one long reply. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply } from 'fastify'
import { TAR_TYPE } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { MiB } from '../../kernel/units.ts'
import type { Request, RouteContext, Routes } from './routes.ts'

export interface BackupBytes {
  readonly sizeBytes: number
  readonly chunks: AsyncIterable<Buffer>
  /** To be called in any case; a second call does nothing. */
  release(): Promise<void>
}

export const backupRoute = (context: RouteContext): Routes => ({
  'GET backup': (request, reply) => sendBackup(context, request, reply),
})

async function sendBackup(
  { parts }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const { backup, platform } = parts
  if (backup === undefined) {
    throw new BrokerError('NOT_AVAILABLE', 'nothing is stored here that could be backed up')
  }
  reply.header('content-type', TAR_TYPE)
  if (request.method === 'HEAD') {
    reply.send()
    return
  }
  const { sizeBytes, chunks, release } = await backup()
  const { raw } = reply
  // From here on the reply is ours: it takes as long as the client, not as long as an answer may.
  reply.hijack()
  try {
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value)
    }
    raw.writeHead(200, { 'content-length': sizeBytes })
    await pipeline(Readable.from(chunks, { objectMode: false, highWaterMark: 1 * MiB }), raw)
  } catch (error) {
    platform.logger.warn({ error: String(error) }, 'a backup broke off')
    raw.destroy()
  } finally {
    await release()
  }
}
