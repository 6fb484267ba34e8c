/** Members that runs name as those who had them last, by number: a run remembers four bytes instead of an object. */
import type { Holder } from './run.ts'

/** The number that is nobody's. */
export const NOBODY = 0

export class Holders {
  readonly #holders: (Holder | undefined)[] = [undefined]
  readonly #numbers = new Map<Holder, number>()
  /** How many runs name each. */
  readonly #runs: number[] = [0]
  readonly #free: number[] = []

  of(number: number): Holder | undefined {
    return this.#holders[number]
  }

  /** One run more names it. Returns its number. */
  enter(holder: Holder): number {
    let number = this.#numbers.get(holder)
    if (number === undefined) {
      number = this.#free.pop() ?? this.#holders.length
      this.#holders[number] = holder
      this.#runs[number] = 0
      this.#numbers.set(holder, number)
    }
    this.again(number)
    return number
  }

  /** One run more names the one of that number. */
  again(number: number): void {
    if (number !== NOBODY) this.#runs[number] = (this.#runs[number] as number) + 1
  }

  /** One run less does; the last one takes the number along. */
  leave(number: number): void {
    if (number === NOBODY) return
    const left = (this.#runs[number] as number) - 1
    this.#runs[number] = left
    const holder = this.#holders[number]
    if (left > 0 || holder === undefined) return
    this.#holders[number] = undefined
    this.#numbers.delete(holder)
    this.#free.push(number)
  }
}
