/**
 * The composition root: the rooms joined to a daemon, or to a broker inside another program (`goqueue/broker`).
 * The daemon's own libraries (server, log, metrics) are loaded only by those who start one.
 */

import type { Finding } from '../kernel/finding.ts'
import type { ConfigurationInput } from './configuration.ts'
import type { DaemonOptions } from './daemon.ts'
import type { DirectoryExamination } from './doctor/directory.ts'

export type {
  BrokerSettings,
  DelayedList,
  DelayedMessage,
  DelayedPlace,
  DelayStats,
  ListPlace,
  ListQuery,
  PartitionView,
  PublishedRun,
  PublishMessage,
  PublishOptions,
  PublishOutcome,
  ReadFrom,
  ReadOptions,
  TopicConfig,
  TopicView,
} from '../broker/index.ts'
export { BrokerError } from '../kernel/errors.ts'
export type { Clock, Logger, Timer } from '../kernel/platform.ts'
export type { Acks, Durability, ReadResult } from '../log/index.ts'
export { batchOf, type DecodedRecord, decodeRecords, type RecordBatch } from '../record/index.ts'
export { type Restored, type RestoreOptions, restoreBackup } from './backup/restoring.ts'
export { checkFree, type SaveOptions, saveBackup } from './backup/saving.ts'
export type { ConfigurationInput } from './configuration.ts'
export type { Daemon, DaemonOptions } from './daemon.ts'
export type { DirectoryExamination } from './doctor/directory.ts'
export { Broker, type OpenOptions } from './embedding.ts'
export { type FileChunks, readFileChunks } from './files.ts'
export { inspectPath, repairPath } from './inspection.ts'

/** What is in force here, and from where. Rejects with a ConfigError that names all problems. */
export const readConfiguration = async (input: ConfigurationInput) =>
  (await import('./configuration.ts')).readConfiguration(input)

/** One finding a check, each as soon as it is known; looks only. Loaded by those who ask. */
export async function* examineDirectory(what: DirectoryExamination): AsyncGenerator<Finding> {
  yield* (await import('./doctor/directory.ts')).examineDirectory(what)
}

/** Resolves when the daemon takes work. Rejects with a Failure or a BrokerError that says what is in the way. */
export const startDaemon = async (options: DaemonOptions) =>
  (await import('./daemon.ts')).startDaemon(options)
