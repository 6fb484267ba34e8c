/**
 * Health and status. They answer at any time, also while the broker recovers or drains.
 *
 *   /livez, /healthz   the process answers; restart it where it does not
 *   /readyz            it takes work; 503 while recovering, draining, or failing a check
 *   /health            both in one word: `degraded` where a part does not serve
 */
import type { FastifyReply } from 'fastify'
import type { CheckResult, Health, Liveness, Readiness, Stats, Version } from '../../api/index.ts'
import { formatTime } from '../../api/index.ts'
import type { TopicView } from '../../broker/index.ts'
import { formatDurationMs } from '../../kernel/duration.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { callerOf } from './caller.ts'
import type { Request, RouteContext, Routes } from './routes.ts'

const FAILED = 503
const EMPTY_METRICS = 'text/plain; version=0.0.4; charset=utf-8'

export function healthRoutes(context: RouteContext): Routes {
  const liveness = (_: Request, reply: FastifyReply): void => sendLiveness(context, reply)
  return {
    'GET health': (_, reply) => sendHealth(context, reply),
    'GET healthz': liveness,
    'GET livez': liveness,
    'GET readyz': (_, reply) => sendReadiness(context, reply),
    'GET version': (_, reply) => {
      reply.send(versionOf(context))
    },
    'GET stats': (request, reply) => sendStats(context, request, reply),
    'GET metrics': async (_, reply) => {
      const { metrics } = context.parts
      const text = (await metrics?.text()) ?? ''
      reply.header('content-type', metrics?.contentType ?? EMPTY_METRICS).send(text)
    },
  }
}

const timestamp = ({ platform }: RouteContext): string => formatTime(platform.clock.nowMs())

const uptime = ({ broker }: RouteContext): string => formatDurationMs(broker.status().uptimeMs)

function sendLiveness(context: RouteContext, reply: FastifyReply): void {
  const { state } = context.broker.status()
  const status = state === 'stopped' ? 'fail' : 'pass'
  const body: Liveness = {
    status,
    timestamp: timestamp(context),
    uptime: uptime(context),
    message: state,
  }
  reply.code(status === 'pass' ? 200 : FAILED).send(body)
}

function sendHealth(context: RouteContext, reply: FastifyReply): void {
  const worst = worstOf(checksOf(context))
  const status = worst === 'pass' ? 'ok' : worst === 'warn' ? 'degraded' : 'fail'
  const body: Health = { status, timestamp: timestamp(context) }
  reply.code(status === 'fail' ? FAILED : 200).send(body)
}

function sendReadiness(context: RouteContext, reply: FastifyReply): void {
  const checks = checksOf(context)
  const status = worstOf(checks) === 'fail' ? 'fail' : 'pass'
  const { nodeId, topicCount, totalSizeBytes, state } = context.broker.status()
  const body: Readiness = {
    status,
    timestamp: timestamp(context),
    uptime: uptime(context),
    message: state,
    checks,
    broker: { node_id: nodeId, topic_count: topicCount, total_size: totalSizeBytes },
  }
  reply.code(status === 'pass' ? 200 : FAILED).send(body)
}

type Checks = Readonly<Record<string, CheckResult>>

function checksOf({ broker, parts, platform, traffic }: RouteContext): Record<string, CheckResult> {
  const startMs = platform.clock.monotonicMs()
  const { state, problems } = broker.status()
  const given = parts.health?.() ?? [
    { name: 'broker', status: state === 'running' ? 'pass' : 'fail', message: state } as const,
    {
      name: 'partitions',
      status: problems.length === 0 ? 'pass' : 'warn',
      message: problems.length === 0 ? 'all serve' : problems.join('; '),
    } as const,
  ]
  const latency = `${(platform.clock.monotonicMs() - startMs).toFixed(3)}ms`
  const checks: Record<string, CheckResult> = {}
  for (const { name, status, message } of given) checks[name] = { status, message, latency }
  const { requests, waiting, isDraining } = traffic
  const message = isDraining ? 'draining' : `${requests} requests, ${waiting} of them waiting`
  checks['http'] = { status: isDraining ? 'fail' : 'pass', message, latency }
  return checks
}

function worstOf(checks: Checks): CheckResult['status'] {
  const found = new Set(Object.values(checks).map(({ status }) => status))
  if (found.has('fail')) return 'fail'
  return found.has('warn') ? 'warn' : 'pass'
}

function versionOf({ parts: { build } }: RouteContext): Version {
  return {
    version: build.version,
    ...(build.gitCommit === undefined ? {} : { git_commit: build.gitCommit }),
    ...(build.buildTime === undefined ? {} : { build_time: build.buildTime }),
    node_version: process.version,
  }
}

async function sendStats(
  context: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const { broker } = context
  const caller = callerOf(request)
  const names = await broker.call('topics.list', {}, caller)
  const topicStats: Stats['topic_stats'] = {}
  for (const name of names) {
    const view = await broker.call('topics.describe', { name }, caller).catch(goneIsFine)
    if (view !== undefined) topicStats[name] = statsOf(view)
  }
  const { nodeId, totalSizeBytes } = broker.status()
  reply.send({
    node_id: nodeId,
    uptime: uptime(context),
    topics: names.length,
    total_size_bytes: totalSizeBytes,
    topic_stats: topicStats,
  } satisfies Stats)
}

/** A topic may be deleted while the figures are put together. */
function goneIsFine(error: unknown): undefined {
  if (error instanceof BrokerError && error.code === 'TOPIC_NOT_FOUND') return undefined
  throw error
}

function statsOf({ partitions }: TopicView): Stats['topic_stats'][string] {
  const sum = (of: (view: TopicView['partitions'][number]) => number): number =>
    partitions.reduce((total, partition) => total + of(partition), 0)
  return {
    partitions: partitions.length,
    total_messages: sum(({ latest, earliest }) => latest - earliest),
    total_size_bytes: sum(({ sizeBytes }) => sizeBytes),
    segments: sum(({ segments }) => segments),
  }
}
