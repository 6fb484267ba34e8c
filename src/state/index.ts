/** State machines replayed from a journal. */
export type { CommitAcks } from './journal.ts'
export {
  type Decision,
  jsonCodec,
  type SnapshotPieces,
  type StateCodec,
  type StateMachine,
  strictJsonCodec,
} from './machine.ts'
export { type Outcome, StateRunner, type StateRunnerOptions } from './runner.ts'
export { decodeSnapshotFile } from './snapshot.ts'
