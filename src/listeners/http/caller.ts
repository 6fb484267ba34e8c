import type { FastifyRequest } from 'fastify'
import type { AbortNotice, Caller } from '../../kernel/caller.ts'

/** Who asks, by the name of the API key. */
export const callerOf = ({ id, principal }: FastifyRequest, signal?: AbortNotice): Caller =>
  signal === undefined ? { principal, requestId: id } : { principal, requestId: id, signal }
