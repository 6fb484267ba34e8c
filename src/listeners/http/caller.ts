import type { FastifyRequest } from 'fastify'
import type { Caller } from '../../kernel/caller.ts'

/** Who asks; anonymous until there is authentication. */
export const callerOf = ({ id }: FastifyRequest, signal?: AbortSignal): Caller =>
  signal === undefined
    ? { principal: 'anonymous', requestId: id }
    : { principal: 'anonymous', requestId: id, signal }
