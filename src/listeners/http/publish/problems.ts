import { invalid, PROBLEMS_MAX } from '../../../api/index.ts'
import { BrokerError, type ErrorCode } from '../../../kernel/errors.ts'

/** What is wrong with the messages of a request, the first few of it; the first decides the code. */
export class MessageProblems {
  readonly #fields: Record<string, string> = {}
  #count = 0
  #code: ErrorCode = 'INVALID_REQUEST'

  /** `field` is a part of the message such as `.priority`, or nothing for the message as a whole. */
  add(index: number, field: string, problem: string, code: ErrorCode = 'INVALID_REQUEST'): void {
    if (this.#count === 0) this.#code = code
    if (this.#count < PROBLEMS_MAX) this.#fields[`messages[${index}]${field}`] = problem
    this.#count += 1
  }

  get isFull(): boolean {
    return this.#count >= PROBLEMS_MAX
  }

  throwIfAny(): void {
    if (this.#count === 0) return
    const error = invalid('the request', this.#fields)
    throw new BrokerError(this.#code, error.message, { fields: this.#fields })
  }
}
