/** Asking for what may be gone by the time it is asked for. */
import { BrokerError, type ErrorCode } from '../kernel/errors.ts'

/** Resolves with undefined where `ask` fails with `code` and that was said to be no error. */
export async function unless<T>(
  code: ErrorCode,
  excused: boolean,
  ask: Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask
  } catch (error) {
    if (excused && error instanceof BrokerError && error.code === code) return undefined
    throw error
  }
}

const DESCRIBED_AT_ONCE = 16

/** Described a few at a time; what was deleted meanwhile (`code`) is left out. */
export async function describeAll<T>(
  names: readonly string[],
  code: ErrorCode,
  describe: (name: string) => Promise<T>,
): Promise<readonly T[]> {
  const described: T[] = []
  for (let at = 0; at < names.length; at += DESCRIBED_AT_ONCE) {
    const some = names.slice(at, at + DESCRIBED_AT_ONCE)
    const asked = some.map((name) => unless(code, true, describe(name)))
    for (const one of await Promise.all(asked)) if (one !== undefined) described.push(one)
  }
  return described
}
