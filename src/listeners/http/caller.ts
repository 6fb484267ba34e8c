import type { FastifyRequest } from 'fastify'
import type { Caller } from '../../kernel/caller.ts'

/** Who asks, by the name of the API key. */
export const callerOf = ({ id, principal }: FastifyRequest, signal?: AbortSignal): Caller =>
  signal === undefined ? { principal, requestId: id } : { principal, requestId: id, signal }
