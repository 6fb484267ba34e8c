/**
 * Numbers of different kinds do not mix: a brand costs nothing at run time and stops an offset from
 * being passed where a file position is meant.
 */
import { invariant } from './invariant.ts'

declare const kind: unique symbol
type Kind<T, K extends string> = T & { readonly [kind]: K }

/** Logical position of a record in a partition: dense, from 0, never reused. Safe integer; 64 bits on disk. */
export type Offset = Kind<number, 'Offset'>
/** Byte position inside one segment file. */
export type FilePosition = Kind<number, 'FilePosition'>
/** Wall-clock time in milliseconds since 1970-01-01T00:00:00Z. */
export type TimestampMs = Kind<number, 'TimestampMs'>

export const offset = (value: number): Offset => {
  invariant(Number.isSafeInteger(value) && value >= 0, `not an offset: ${value}`)
  return value as Offset
}

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

export const SECOND_MS = 1000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS
