/**
 * What the hot path counts: plain numbers, no labels looked up but by one Map. prom-client copies them
 * when it is scraped.
 *
 * Labels come from closed sets (operation, error code) or from the topics that exist; never from keys,
 * offsets, members or anything a client can make up.
 */
import { Buckets, doublingBounds } from './plainHistogram.ts'
import { StorageMeters } from './storageMeters.ts'

/** 0.1 ms to 1.6 s: below is memory, above is an alarm. */
const OPERATION_BOUNDS = doublingBounds(0.0001, 15)
/** 0.1 ms to 1.6 s: below is a disk with a cache of its own, above is a disk in trouble. */
const SYNC_BOUNDS = doublingBounds(0.0001, 15)

/** How often an operation was called, with what outcome, and how long it took. */
export class OperationMeter {
  readonly duration = new Buckets(OPERATION_BOUNDS)
  readonly outcomes = new Map<string, number>()
  #succeeded = 0

  succeeded(seconds: number): void {
    this.#succeeded += 1
    this.duration.observe(seconds)
  }

  failed(code: string, seconds: number): void {
    this.outcomes.set(code, (this.outcomes.get(code) ?? 0) + 1)
    this.duration.observe(seconds)
  }

  /** Each outcome with its count; `OK` is success. */
  *counts(): Generator<readonly [code: string, count: number]> {
    if (this.#succeeded > 0) yield ['OK', this.#succeeded]
    yield* this.outcomes
  }
}

/** What went in and out of one topic. */
export class TopicMeter {
  publishedMessages = 0
  publishedBytes = 0
  readMessages = 0
  readBytes = 0
}

/** All meters of a process. */
export class Meters {
  readonly operations = new Map<string, OperationMeter>()
  readonly topics = new Map<string, TopicMeter>()
  readonly storage = new StorageMeters()
  readonly sync = new Buckets(SYNC_BOUNDS)
  syncFailures = 0

  operation(name: string): OperationMeter {
    return getOrMake(this.operations, name, () => new OperationMeter())
  }

  /** Only for topics that exist: call it once a call on the topic has succeeded. */
  topic(name: string): TopicMeter {
    return getOrMake(this.topics, name, () => new TopicMeter())
  }

  /** A deleted topic's figures go with it. */
  forgetTopic(name: string): void {
    this.topics.delete(name)
  }
}

function getOrMake<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name)
  if (known !== undefined) return known
  const made = make()
  map.set(name, made)
  return made
}
