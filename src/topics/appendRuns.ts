/**
 * The runs of one request into their logs: beside each other, each an atomic batch of its partition, now or later.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { Acks, AppendResult, Durability } from '../log/index.ts'
import type { PartitionedRun, WireProducer } from '../record/index.ts'
import type { EncodedMessages, EncodedRun } from './encode.ts'
import type { AppendedOnce } from './partition.ts'
import type { Topic } from './topic.ts'
import type { PublishedRun, PublishOutcome } from './types.ts'

/** Takes the records of a request that are to be delivered later. */
export interface LaterAppends {
  /** Resolves when these runs can be taken. Rejects where one cannot: then nothing of the request is written. */
  prepare(runs: readonly PartitionedRun[]): Promise<void>
  /** Resolves when the run is on disk; `result` has offsets of the log where it waits. */
  append(run: PartitionedRun, producer?: WireProducer): Promise<AppendedOnce>
}

export interface AppendOptions {
  readonly acks: Acks
  readonly producer?: WireProducer | undefined
  readonly later?: LaterAppends | undefined
}

/** Weakest first. Records that wait are on disk whatever was asked for; the others are as durable as that. */
const DURABILITIES: readonly Durability[] = ['none', 'memory', 'disk']

interface AppendedRun {
  readonly durability: Durability
  readonly run: PublishedRun
}

/** Appends one run to its partition, or hands it to `later`. Rejects as the append does. */
export async function appendRun(
  topic: Topic,
  encoded: EncodedRun,
  { acks, producer, later }: AppendOptions,
): Promise<AppendedRun> {
  const { partition: index, batch, delayed } = encoded
  if (delayed === true && later !== undefined) {
    const appended = await later.append(encoded, producer)
    return { durability: appended.result.durability, run: { delayed, ...onceRun(index, appended) } }
  }
  const partition = topic.partition(index)
  if (producer === undefined) {
    const result = await partition.append(batch, acks)
    return { durability: result.durability, run: publishedRun(index, result) }
  }
  const appended = await partition.appendOnce(batch, acks, producer)
  return { durability: appended.result.durability, run: onceRun(index, appended) }
}

const onceRun = (
  partition: number,
  { result, isDuplicate, isReset }: AppendedOnce,
): PublishedRun => {
  const run = publishedRun(partition, result)
  if (!isDuplicate && !isReset) return run
  const duplicate = isDuplicate ? { duplicate: true } : {}
  return { ...run, ...duplicate, ...(isReset ? { producerReset: true } : {}) }
}

export const publishedRun = (partition: number, result: AppendResult): PublishedRun => ({
  partition,
  baseOffset: result.baseOffset,
  count: result.count,
  timestampMs: result.timestampMs,
})

async function appendOne(
  topic: Topic,
  partitioned: PartitionedRun,
  options: AppendOptions,
): Promise<PublishOutcome> {
  const { durability, run } = await appendRun(topic, partitioned, options)
  return { durability, runs: [run], runOfMessage: undefined }
}

/**
 * Appends the runs of a request beside each other. Rejects with what the first rejected with where none was written;
 * with OUTCOME_UNKNOWN, naming the partitions, where some were.
 */
export async function appendAll(
  topic: Topic,
  { runs, runOfMessage }: EncodedMessages,
  options: AppendOptions,
): Promise<PublishOutcome> {
  const [only] = runs
  if (only !== undefined && only.delayed !== true && runs.length === 1) {
    return await appendOne(topic, only, options)
  }
  for (const { partition } of runs) topic.partition(partition).checkOpen()
  const delayed = runs.filter((run) => run.delayed === true)
  if (delayed.length > 0) await options.later?.prepare(delayed)
  const settled = await Promise.allSettled(runs.map((run) => appendRun(topic, run, options)))
  const done: PublishedRun[] = []
  let weakest = DURABILITIES.length - 1
  for (const each of settled) {
    if (each.status === 'rejected') continue
    done.push(each.value.run)
    weakest = Math.min(weakest, DURABILITIES.indexOf(each.value.durability))
  }
  const durability = DURABILITIES[weakest] ?? 'none'
  if (done.length < runs.length) throw partialFailure(runs, settled, done)
  return { durability, runs: done, runOfMessage }
}

function partialFailure(
  runs: readonly PartitionedRun[],
  settled: readonly PromiseSettledResult<AppendedRun>[],
  done: readonly PublishedRun[],
): unknown {
  const fields: Record<string, string> = {}
  let first: unknown
  for (const [i, each] of settled.entries()) {
    if (each.status === 'fulfilled') continue
    first ??= each.reason
    const why = each.reason instanceof BrokerError ? each.reason.message : String(each.reason)
    fields[`partitions[${runs[i]?.partition}]`] = why
  }
  if (done.length === 0) return first
  const written = done.map((run) => run.partition).join(', ')
  return new BrokerError('OUTCOME_UNKNOWN', `only partitions ${written} were written`, {
    fields,
    cause: first,
  })
}
