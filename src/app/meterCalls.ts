/** Counts every call of the broker: its outcome, its time, and what it moved. */
import type { Call, Interceptor, Operations } from '../broker/index.ts'
import type { Caller } from '../kernel/caller.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { Clock } from '../kernel/platform.ts'
import type { Meters, TopicMeter } from '../observability/index.ts'

/** Who asks on behalf of a scrape: its calls are not counted, or looking would change what is seen. */
export const SCRAPE_CALLER: Caller = { principal: 'internal', requestId: 'scrape' }

export const meterCalls =
  (meters: Meters, clock: Clock): Interceptor =>
  (next) =>
  async (call) => {
    if (call.caller === SCRAPE_CALLER) return await next(call)
    const startedMs = clock.monotonicMs()
    const bytes = bytesToPublish(call)
    try {
      const output = await next(call)
      meters.operation(meterName(call)).succeeded((clock.monotonicMs() - startedMs) / 1000)
      countTraffic(meters, call, output, bytes)
      return output
    } catch (error) {
      const code = error instanceof BrokerError ? error.code : 'UNKNOWN'
      meters.operation(meterName(call)).failed(code, (clock.monotonicMs() - startedMs) / 1000)
      throw error
    }
  }

/** A call that may wait is told from one that answers at once: its duration is the writers', not ours. */
function meterName({ name, input }: Call): string {
  return 'waitMs' in input && input.waitMs > 0 ? `${name}.wait` : name
}

/** Taken before the call: a published batch belongs to the log. */
function bytesToPublish(call: Call): number {
  if (call.name === 'records.publishBatch' || call.name === 'delay.publishBatch') {
    return call.input.batch.bytes.length
  }
  if (call.name !== 'records.publish') return 0
  let bytes = 0
  for (const { key, value } of call.input.messages) {
    bytes += (key?.length ?? 0) + (value?.length ?? 0)
  }
  return bytes
}

function countTraffic(meters: Meters, call: Call, output: unknown, bytes: number): void {
  switch (call.name) {
    case 'records.publish':
    case 'records.publishBatch':
    case 'delay.publishBatch': {
      const topic = meters.topic(call.input.topic)
      topic.publishedMessages +=
        call.name === 'records.publish' ? call.input.messages.length : call.input.batch.count
      topic.publishedBytes += bytes
      return
    }
    case 'records.read': {
      const result = output as Operations['records.read']['output']
      countRead(meters.topic(call.input.topic), result.count, result.bytes.length)
      return
    }
    case 'records.readTopic': {
      const topic = meters.topic(call.input.topic)
      for (const { result } of (output as Operations['records.readTopic']['output']).parts) {
        countRead(topic, result.count, result.bytes.length)
      }
      return
    }
    case 'records.fetch':
      countFetched(meters, call.input.reads, output as Operations['records.fetch']['output'])
      return
    case 'groups.fetch': {
      const read = output as Operations['groups.fetch']['output']
      if (!read.rebalance) countFetched(meters, call.input.reads, read.value)
      return
    }
    case 'groups.poll': {
      const read = output as Operations['groups.poll']['output']
      if (read.rebalance) return
      for (const { topic, count, bytes } of read.value.parts) {
        countRead(meters.topic(topic), count, bytes.length)
      }
      return
    }
    case 'topics.delete':
      meters.forgetTopic(call.input.name)
      return
    default:
  }
}

function countFetched(
  meters: Meters,
  reads: readonly { readonly topic: string }[],
  fetched: Operations['records.fetch']['output'],
): void {
  for (const { index, result } of fetched) {
    const topic = reads[index]?.topic
    if (result === undefined || topic === undefined) continue
    countRead(meters.topic(topic), result.count, result.bytes.length)
  }
}

function countRead(meter: TopicMeter, messages: number, bytes: number): void {
  meter.readMessages += messages
  meter.readBytes += bytes
}
