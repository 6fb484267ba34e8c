import { BrokerError, type ErrorCode } from '../kernel/errors.ts'

/** More of them in one answer help nobody. */
const REPORTED_MAX = 100

/** All that is wrong with the items of one request, told at once. The first problem gives the code. */
export class Problems {
  readonly #list: string
  #fields: Record<string, string> | undefined
  #code: ErrorCode = 'INVALID_REQUEST'
  #first = ''
  #count = 0

  /** `list`: the name of the items in the request. */
  constructor(list: string) {
    this.#list = list
  }

  get any(): boolean {
    return this.#count > 0
  }

  add(index: number, code: ErrorCode, path: string, what: string): void {
    this.#count += 1
    if (this.#count > REPORTED_MAX) return
    const where = `${this.#list}[${index}]${path}`
    if (this.#fields === undefined) {
      this.#fields = {}
      this.#code = code
      this.#first = `${where}: ${what}`
    }
    this.#fields[where] ??= what
  }

  throwIfAny(): void {
    if (this.#fields === undefined) return
    const more = this.#count > 1 ? ` (and ${this.#count - 1} more)` : ''
    throw new BrokerError(this.#code, `${this.#first}${more}`, { fields: this.#fields })
  }
}
