/** A broken invariant: the process can no longer trust its own memory. `app` logs it and exits 70. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation'
}

/** States what must be true; throws {@link InvariantViolation} where it is not. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message)
}
