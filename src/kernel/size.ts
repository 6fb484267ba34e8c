/**
 * Sizes as people write them. Powers of 1000 and of 1024 have names of their own (64MB = 64,000,000 bytes,
 * 64MiB = 67,108,864); a bare `64M`, which tools read both ways, is refused.
 */
import { GiB, KiB, MiB } from './units.ts'

const UNIT_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: KiB,
  mib: MiB,
  gib: GiB,
  tib: 1024 * GiB,
}
const SIZE = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i

/** Bytes of `"64MiB"`, `"64 MB"`, `"1.5GiB"`, `4096` or `"4096"`; undefined for anything else. */
export function parseSizeBytes(value: unknown): number | undefined {
  if (typeof value === 'number') return inRange(value)
  if (typeof value !== 'string' || value.length > 64) return undefined
  const [, amount, unit] = SIZE.exec(value.trim()) ?? []
  if (amount === undefined || unit === undefined) return undefined
  const unitBytes = unit === '' ? 1 : UNIT_BYTES[unit.toLowerCase()]
  return unitBytes === undefined ? undefined : inRange(Math.round(Number(amount) * unitBytes))
}

const inRange = (bytes: number): number | undefined =>
  Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined

/** The shortest exact form: 67108864 is `"64MiB"`, 1000 is `"1000B"`. */
export function formatSizeBytes(bytes: number): string {
  const units = ['TiB', 'GiB', 'MiB', 'KiB'] as const
  for (const unit of units) {
    const unitBytes = UNIT_BYTES[unit.toLowerCase()] ?? 1
    if (bytes >= unitBytes && bytes % unitBytes === 0) return `${bytes / unitBytes}${unit}`
  }
  return `${bytes}B`
}
