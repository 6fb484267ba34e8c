/** Durations that stand in the body of a request. */
import { invalid } from '../../api/index.ts'
import { parseDurationMs } from '../../kernel/duration.ts'

/** `given` in milliseconds, undefined where it is absent. Throws INVALID_REQUEST naming the field where it is none, or above `maxMs`. */
export function durationOf(
  name: string,
  given: string | number | undefined,
  maxMs: number,
): number | undefined {
  if (given === undefined) return undefined
  const durationMs = parseDurationMs(given)
  if (durationMs !== undefined && durationMs <= maxMs) return durationMs
  throw invalid('the request', { [name]: `must be a duration up to ${maxMs} ms, such as "30s"` })
}
