/** What each room gets of the settings: the one place where an operator's words meet a room's own. */
import type { BrokerSettings } from '../broker/index.ts'
import type { Settings } from '../config/index.ts'
import type { HttpListenerOptions } from '../listeners/http/index.ts'
import type { SegmentedOptions } from '../log/index.ts'

export const engineOptions = (settings: Settings): Partial<SegmentedOptions> => ({
  flushIntervalMs: settings.syncIntervalMs,
  tailCacheBytes: settings.tailCacheBytes,
  indexCacheBytes: settings.indexCacheBytes,
  maxOpenFiles: settings.maxOpenFiles,
  queuedBytesMax: settings.maxQueuedBytes,
  verify: settings.verify,
})

export const brokerSettings = (settings: Settings): Partial<BrokerSettings> => ({
  publishesMax: settings.maxRequests,
  publishBytesMax: settings.maxQueuedBytes,
  topics: {
    defaultPartitions: settings.partitions,
    defaultConfig: {
      retentionMs: settings.retentionMs,
      retentionBytes: settings.retentionBytes,
      segmentBytes: settings.segmentBytes,
      recordBytesMax: settings.maxRecordBytes,
    },
    topicsMax: settings.maxTopics,
    partitionsMax: settings.maxPartitions,
    waitersMax: settings.maxLongPolls,
    retentionIntervalMs: settings.retentionIntervalMs,
  },
  groups: { retentionMs: settings.groupRetentionMs },
  delay: { pendingMax: settings.maxDelayedMessages },
  delivery: {
    policy: {
      visibilityMs: settings.visibilityTimeoutMs,
      maxRetries: settings.maxRetries,
      backoffMs: settings.backoffMs,
      backoffMsMax: settings.maxBackoffMs,
      inFlightMax: settings.maxInFlight,
      unresolvedMax: settings.maxUnresolved,
      ackDurability: settings.ackDurability,
    },
    waitersMax: settings.maxLongPolls,
  },
})

export const listenerOptions = (settings: Settings): Partial<HttpListenerOptions> => ({
  host: settings.host,
  port: settings.port,
  corsOrigins: settings.corsOrigins,
  bodyBytesMax: settings.maxBodyBytes,
  connectionsMax: settings.maxConnections,
  requestsMax: settings.maxRequests,
  longPollsMax: settings.maxLongPolls,
  bytesInFlightMax: settings.maxInFlightBytes,
  requestTimeoutMs: settings.requestTimeoutMs,
  answerTimeoutMs: settings.answerTimeoutMs,
})
