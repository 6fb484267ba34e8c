/** State machines replayed from a journal. */
export type { CommitAcks } from './journal.ts'
export { type Decision, jsonCodec, type StateCodec, type StateMachine } from './machine.ts'
export { type Outcome, StateRunner, type StateRunnerOptions } from './runner.ts'
