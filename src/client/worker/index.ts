/** Working through a group's messages one by one. */
export { Reject, RetryLater } from './errors.ts'
export { WorkMessage } from './message.ts'
export type {
  OutcomeKind,
  WorkContext,
  WorkerOptions,
  WorkerWarning,
  WorkHandler,
  WorkOutcome,
} from './options.ts'
export { type CloseOptions, Worker, type WorkerConnection, type WorkerStats } from './worker.ts'
