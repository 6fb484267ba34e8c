import { baseSeed } from '../../support/random.ts'

const DEFAULT_RUNS = 1000
const runs = Number(process.env['GOQUEUE_RUNS'] ?? DEFAULT_RUNS)

/**
 * The seeds of a run of `share` (of 1) of all seeded runs: 1,000 in all, or GOQUEUE_RUNS. With GOQUEUE_RUNS=1 the
 * one seed is GOQUEUE_SEED, as a failure names it.
 */
export function seeds(share: number, salt: number): number[] {
  if (runs === 1) return [baseSeed()]
  const count = Math.max(1, Math.ceil(runs * share))
  return Array.from({ length: count }, (_, index) => baseSeed() + index + salt)
}

/** How often something must have happened at least: in fewer runs than usual it may not. */
export const atLeast = (times: number): number => (runs < DEFAULT_RUNS ? 0 : times)
