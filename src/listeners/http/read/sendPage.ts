import type { FastifyReply } from 'fastify'
import { JSON_TYPE } from '../../../api/index.ts'
import type { Traffic } from '../traffic.ts'
import type { JsonPage } from './jsonRecords.ts'

/** Sends the page; its memory is used again when the reply is closed. Throws BROKER_OVERLOADED. */
export function sendPage(reply: FastifyReply, traffic: Traffic, { body, release }: JsonPage): void {
  reply.raw.once('close', release)
  traffic.hold(reply.request.flight, body.length)
  reply.header('content-type', JSON_TYPE).send(body)
}
