/**
 * Every message of one run, what its sender was told, and the logs held against it. A message's value opens with its
 * number; numbers are given in the order of the calls, so the order of a key is that of its numbers.
 */
import type { DecodedRecord } from '../../../src/record/index.ts'

type State = 'pending' | 'accepted' | 'maybe' | 'never'

export class Sends {
  readonly #states: State[]
  readonly #partitions: Int32Array
  readonly #offsets: Float64Array
  readonly #keyOf: (number: number) => string
  accepted = 0
  readonly refusals = new Map<string, number>()

  constructor(count: number, keyOf: (number: number) => string) {
    this.#states = new Array<State>(count).fill('pending')
    this.#partitions = new Int32Array(count).fill(-1)
    this.#offsets = new Float64Array(count).fill(-1)
    this.#keyOf = keyOf
  }

  accept(number: number, place: { readonly partition: number; readonly offset: number }): void {
    this.#states[number] = 'accepted'
    this.#partitions[number] = place.partition
    this.#offsets[number] = place.offset
    this.accepted += 1
  }

  refuse(number: number, code: string): void {
    this.#states[number] = code === 'OUTCOME_UNKNOWN' ? 'maybe' : 'never'
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }

  /** Throws where the logs, one for each partition, are not what was promised. */
  check(logs: readonly (readonly DecodedRecord[])[]): void {
    const found = new Uint8Array(this.#states.length)
    for (const [partition, records] of logs.entries()) this.#checkOne(partition, records, found)
    for (const [number, state] of this.#states.entries()) {
      if (state === 'pending') throw new Error(`EverySendIsSettled: ${number}`)
      if (state === 'accepted' && found[number] === 0) {
        throw new Error(`NoAcceptedMessageLost: ${this.#name(number)}`)
      }
    }
  }

  #checkOne(partition: number, records: readonly DecodedRecord[], found: Uint8Array): void {
    const lastOfKey = new Map<string, number>()
    for (const record of records) {
      const number = this.#numberOf(record)
      const what = `${this.#name(number)} at ${partition}:${record.offset}`
      if (this.#states[number] === 'never') throw new Error(`NothingRefusedIsStored: ${what}`)
      found[number] = (found[number] ?? 0) + 1
      if (found[number] > 1) throw new Error(`NothingTwice: ${what}`)
      if (this.#states[number] !== 'accepted') continue
      if (this.#partitions[number] !== partition || this.#offsets[number] !== record.offset) {
        throw new Error(`WhereItWasSaidToBe: ${what}`)
      }
      const key = this.#keyOf(number)
      const last = lastOfKey.get(key) ?? -1
      if (number < last) throw new Error(`OrderOfKeyKept: ${what} behind ${last}`)
      lastOfKey.set(key, number)
    }
  }

  #numberOf({ key, value, offset }: DecodedRecord): number {
    const number = Number.parseInt(value?.toString('latin1', 0, 12) ?? '', 10)
    if (this.#states[number] !== undefined && String(key) === this.#keyOf(number)) return number
    throw new Error(`NothingInvented: ${number} of key ${key} at ${offset}`)
  }

  #name(number: number): string {
    const place = `${this.#partitions[number]}:${this.#offsets[number]}`
    return `message ${number} (${this.#states[number]} ${place})`
  }
}
