import { baseSeed } from '../../support/random.ts'

/** The seeds of a run of `share` (of 1) of all seeded runs: 1,000 in all, or GOQUEUE_RUNS. */
export function seeds(share: number, salt: number): number[] {
  const all = Number(process.env['GOQUEUE_RUNS'] ?? 1000)
  const count = Math.max(1, Math.ceil(all * share))
  return Array.from({ length: count }, (_, index) => baseSeed() + index + salt)
}
