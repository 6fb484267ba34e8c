/** What the files of a broker do, by the part of the broker that they belong to. */
import { Buckets, doublingBounds } from './plainHistogram.ts'

/** topics: the messages; delay: those that wait; state: journals and snapshots; other: the directory's own files. */
export const AREAS = ['topics', 'delay', 'state', 'other'] as const
export type Area = (typeof AREAS)[number]

/** 12.5 µs to 0.8 s: below is nothing that a write can do, above is a disk that makes writers wait. */
const WRITE_BOUNDS = doublingBounds(0.000_012_5, 17)

/** The files of one area. */
export class AreaMeter {
  readonly write = new Buckets(WRITE_BOUNDS)
  writtenBytes = 0
  writeFailures = 0
  segmentsRemoved = 0
}

export class StorageMeters {
  readonly areas: Readonly<Record<Area, AreaMeter>> = {
    topics: new AreaMeter(),
    delay: new AreaMeter(),
    state: new AreaMeter(),
    other: new AreaMeter(),
  }
  /** Of the data directory, open now. */
  openFiles = 0
}
