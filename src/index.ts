/**
 * goqueue: the client of a broker, and the broker itself for programs that hold it in their own process.
 * `goqueue/client`, `goqueue/broker` and `goqueue/errors` are the same in parts, for programs that need one of them.
 */
export { Broker, decodeRecords, type OpenOptions } from './app/index.ts'
export {
  Admin,
  Client,
  Connection,
  type ConnectionOptions,
  Consumer,
  DeadLetters,
  GroupConsumer,
  Producer,
  Receipts,
  Records,
  Reject,
  RetryLater,
  Worker,
} from './client/index.ts'
export { BrokerError, ERRORS, type ErrorCode } from './kernel/errors.ts'
