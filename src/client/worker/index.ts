/** Working through a group's messages one by one. */
export { type BorrowOptions, borrow } from './borrow.ts'
export {
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterPage,
  DeadLetters,
  type Redrive,
  type RedriveTask,
} from './deadLetters.ts'
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
export { type ReceiptResult, Receipts } from './receipts.ts'
export { type CloseOptions, Worker, type WorkerConnection, type WorkerStats } from './worker.ts'
