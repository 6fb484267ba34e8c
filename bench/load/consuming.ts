/**
 * A consumer group of one reads a topic from its start to its end: checksums verified, each message decoded and its
 * value looked at, offsets gapless in each partition. Everything is as it comes; each turn is a new group.
 */
import { Connection, type ConsumedMessage, GroupConsumer } from '../../src/client/index.ts'
import { meterBusy } from './processor.ts'
import { TOPIC } from './requests.ts'

export interface ConsumingJob {
  readonly kind: 'consuming'
  readonly port: number
  readonly serverPid: number
  readonly via: 'eachBatch' | 'for await'
  /** Records to go through, all of them there. */
  readonly records: number
  /** Records of them that are warm-up. */
  readonly warmupRecords: number
}

export interface ConsumingResult {
  readonly recordsPerSecond: number
  readonly clientBusy: number
  readonly serverBusy: number
}

/** Counts messages, and looks at every one. */
class Reader {
  bytes = 0
  count = 0
  startMs = 0
  startCount = 0
  readonly #job: ConsumingJob
  readonly #next = new Map<number, number>()
  meter: ReturnType<typeof meterBusy>

  constructor(job: ConsumingJob) {
    this.#job = job
    this.meter = meterBusy(job.serverPid)
  }

  get isDone(): boolean {
    return this.count >= this.#job.records
  }

  /** Messages of one partition, in order. */
  take(partition: number, messages: readonly ConsumedMessage[]): void {
    let next = this.#next.get(partition) ?? 0
    for (const message of messages) {
      if (message.offset !== next) throw new Error(`${message.offset} where ${next} was expected`)
      this.bytes += message.value?.length ?? 0
      next += 1
    }
    this.#next.set(partition, next)
    this.#counted(messages.length)
  }

  takeOne(message: ConsumedMessage): void {
    const { partition, offset, value } = message
    const next = this.#next.get(partition) ?? 0
    if (offset !== next) throw new Error(`${offset} where ${next} was expected`)
    this.bytes += value?.length ?? 0
    this.#next.set(partition, next + 1)
    this.#counted(1)
  }

  #counted(messages: number): void {
    this.count += messages
    if (this.startMs > 0 || this.count < this.#job.warmupRecords) return
    this.startMs = performance.now()
    this.startCount = this.count
    this.meter = meterBusy(this.#job.serverPid)
  }
}

let groups = 0

export async function runConsuming(job: ConsumingJob): Promise<ConsumingResult> {
  const connection = new Connection({ url: `http://127.0.0.1:${job.port}` })
  groups += 1
  const group = `bench-${process.pid}-${groups}`
  const consumer = new GroupConsumer(connection, { group, topics: [TOPIC] })
  const reader = new Reader(job)
  let endMs = 0
  if (job.via === 'eachBatch') {
    await consumer.eachBatch(({ partition, messages }) => {
      reader.take(partition, messages)
      if (!reader.isDone) return
      endMs = performance.now()
      void consumer.close()
    })
  } else {
    for await (const message of consumer) {
      reader.takeOne(message)
      if (!reader.isDone) continue
      endMs = performance.now()
      break
    }
  }
  const busy = reader.meter.read()
  await consumer.close()
  await connection.close()
  if (reader.count !== job.records) throw new Error(`${reader.count} of ${job.records} read`)
  return {
    recordsPerSecond: (reader.count - reader.startCount) / ((endMs - reader.startMs) / 1_000),
    clientBusy: busy.client,
    serverBusy: busy.server,
  }
}
