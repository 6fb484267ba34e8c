/** State machines replayed from a journal. */
export { type Decision, jsonCodec, type StateCodec, type StateMachine } from './machine.ts'
