/** The simplest machine with a memory: it keeps every number that it was told, in order. */
import { jsonCodec, type StateMachine } from '../../../src/state/index.ts'

export interface Add {
  readonly numbers: readonly number[]
}

export interface Added {
  readonly number: number
  /** So that snapshots and segments fill up soon. */
  readonly padding: string
}

export class CounterMachine implements StateMachine<Add, Added, number, readonly number[]> {
  numbers: number[] = []

  decide({ numbers }: Add): { events: Added[]; reply: number } {
    const events = numbers.map((number) => ({ number, padding: '.'.repeat(number % 90) }))
    return { events, reply: this.numbers.length }
  }

  apply({ number }: Added): void {
    this.numbers.push(number)
  }

  snapshot(): readonly number[] {
    return this.numbers
  }

  restore(snapshot: readonly number[]): void {
    this.numbers = [...snapshot]
  }
}

export const counterCodec = jsonCodec<Added, readonly number[]>()
