/** Workers against a daemon in this process, whose retries come at once. */
import { onTestFinished } from 'vitest'
import {
  Admin,
  Connection,
  Producer,
  type WorkContext,
  Worker,
  type WorkerOptions,
  type WorkerWarning,
  type WorkMessage,
  type WorkOutcome,
} from '../../../../src/client/index.ts'
import { startInProcess } from '../../../support/inProcessDaemon.ts'

export async function workWorld({ partitions = 2, policy = {} } = {}) {
  const daemon = await startInProcess()
  const connection = new Connection({ url: daemon.url })
  onTestFinished(() => connection.close())
  await new Admin(connection).createTopic({ name: 't', partitions })
  const patch = async (json: object): Promise<void> => {
    await connection.askJson({ method: 'PATCH', path: '/topics/t/delivery', json })
  }
  await patch({ backoff: '20ms', backoff_factor: 1, ...policy })
  const warnings: WorkerWarning[] = []
  const outcomes: WorkOutcome[] = []
  const worker = (options: Partial<WorkerOptions> & Pick<WorkerOptions, 'handler'>): Worker => {
    const made = new Worker(connection, {
      ...{ group: 'g', topics: ['t'], retryBackoffMs: 10 },
      onWarning: (warning) => void warnings.push(warning),
      onOutcome: (outcome) => void outcomes.push(outcome),
      ...options,
    })
    onTestFinished(() => made.close({ timeoutMs: 0 }))
    return made
  }
  const publish = async (count: number): Promise<void> => {
    const producer = new Producer(connection)
    const messages = Array.from({ length: count }, (_, i) => ({
      ...{ topic: 't', value: `${i}`, partition: i % partitions },
    }))
    await producer.sendBatch(messages)
    await producer.close()
  }
  const lag = async (): Promise<number> => {
    const { offsets } = (await connection.askJson({
      method: 'GET',
      path: '/groups/g/offsets',
    })) as { offsets: { t?: Record<string, number> } }
    return Object.values(offsets.t ?? {}).reduce((sum, each) => sum + each, 0)
  }
  return { daemon, connection, worker, publish, patch, warnings, outcomes, settled: lag }
}

/** Runs `handler`, and remembers what it was given; `until(n)` resolves at the n-th call. */
export class Calls {
  readonly values: string[] = []
  readonly #waits: { readonly count: number; readonly resolve: () => void }[] = []
  readonly #handler: (message: WorkMessage, context: WorkContext) => unknown

  constructor(handler: (message: WorkMessage, context: WorkContext) => unknown = () => undefined) {
    this.#handler = handler
  }

  readonly handler = (message: WorkMessage, context: WorkContext): unknown => {
    this.values.push(message.text())
    for (const { count, resolve } of this.#waits) if (this.values.length >= count) resolve()
    return this.#handler(message, context)
  }

  until(count: number): Promise<void> {
    if (this.values.length >= count) return Promise.resolve()
    return new Promise((resolve) => void this.#waits.push({ count, resolve }))
  }

  get sorted(): number[] {
    return this.values.map(Number).toSorted((a, b) => a - b)
  }
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
