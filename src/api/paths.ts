/** Where things are: the paths of the HTTP contract, each also under `/v1`. Shared by server and clients. */

/** Every path may be written with this in front of it; the same routes answer. */
export const VERSION_PREFIX = '/v1'

export const PATHS = {
  health: '/health',
  healthz: '/healthz',
  livez: '/livez',
  readyz: '/readyz',
  version: '/version',
  stats: '/stats',
  metrics: '/metrics',
  openapi: '/openapi.json',
  docs: '/docs',
  topics: '/topics',
  topic: '/topics/:topic',
  partitions: '/topics/:topic/partitions',
  topicMessages: '/topics/:topic/messages',
  partitionMessages: '/topics/:topic/partitions/:partition/messages',
  offsetAtTime: '/topics/:topic/partitions/:partition/offset',
  fetch: '/fetch',
  groups: '/groups',
  group: '/groups/:group',
  groupJoin: '/groups/:group/join',
  groupHeartbeat: '/groups/:group/heartbeat',
  groupLeave: '/groups/:group/leave',
  groupPoll: '/groups/:group/poll',
  groupOffsets: '/groups/:group/offsets',
  groupOffsetsReset: '/groups/:group/offsets/reset',
  groupFetch: '/groups/:group/fetch',
  groupLease: '/groups/:group/lease',
  groupSettle: '/groups/:group/settle',
  groupDelivery: '/groups/:group/delivery',
  topicDelivery: '/topics/:topic/delivery',
  deadLetters: '/topics/:topic/dlq',
  redrives: '/topics/:topic/dlq/redrive',
  redrive: '/topics/:topic/dlq/redrive/:task',
  ack: '/messages/ack',
  nack: '/messages/nack',
  reject: '/messages/reject',
  visibility: '/messages/visibility',
  reliability: '/reliability/stats',
  delayedList: '/topics/:topic/delayed',
  delayedByOffset: '/topics/:topic/delayed/:offset',
  delayed: '/topics/:topic/delayed/:partition/:offset',
  delayStats: '/delay/stats',
  priorityStats: '/priority/stats',
  backup: '/admin/backup',
} as const
export type PathName = keyof typeof PATHS

/** A path with its parameters filled in and encoded: `/topics/a%20b` of `topic` and `{topic: 'a b'}`. */
export function pathTo(
  name: PathName,
  parameters: Readonly<Record<string, string | number>> = {},
): string {
  return PATHS[name].replace(/:(\w+)/g, (whole, parameter: string) => {
    const value = parameters[parameter]
    return value === undefined ? whole : encodeURIComponent(value)
  })
}
