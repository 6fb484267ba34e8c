/** What became a dead letter, and bringing it back. */
import type { DeadLettersReply, RedriveBody, TaskReply } from '../../api/index.ts'
import { pathOf } from '../connection.ts'
import type { JsonAsker } from './receipts.ts'

export type DeadLetter = DeadLettersReply['messages'][number]
export type RedriveTask = TaskReply
export type Redrive = RedriveBody

export interface DeadLetterFilter {
  readonly group?: string | undefined
  readonly reason?: 'max_retries' | 'rejected' | undefined
  readonly key?: string | undefined
}

export interface DeadLetterPage {
  readonly messages: readonly DeadLetter[]
  /** Where to go on. */
  readonly cursor: string
}

export class DeadLetters {
  readonly #asker: JsonAsker

  constructor(asker: JsonAsker) {
    this.#asker = asker
  }

  /** Those of `topic`, oldest first in each partition. Rejects with TOPIC_NOT_FOUND. */
  async page(
    topic: string,
    filter: DeadLetterFilter = {},
    { limit, cursor }: { readonly limit?: number; readonly cursor?: string | undefined } = {},
  ): Promise<DeadLetterPage> {
    const reply = await this.#asker.askJson({
      method: 'GET',
      path: pathOf('topics', topic, 'dlq'),
      query: { ...filter, limit, cursor },
    })
    return reply as DeadLetterPage
  }

  /** All of them, page by page. */
  async *list(topic: string, filter: DeadLetterFilter = {}): AsyncGenerator<DeadLetter> {
    let cursor: string | undefined
    for (;;) {
      const page: DeadLetterPage = await this.page(topic, filter, { limit: PAGE, cursor })
      yield* page.messages
      if (page.messages.length === 0) return
      cursor = page.cursor
    }
  }

  /** Begins to bring back what the filter lets through; resolves with the task, which goes on by itself. */
  async redrive(topic: string, redrive: Redrive = {}): Promise<RedriveTask> {
    const path = pathOf('topics', topic, 'dlq', 'redrive')
    return (await this.#asker.askJson({ method: 'POST', path, json: redrive })) as RedriveTask
  }

  async tasks(topic: string): Promise<readonly RedriveTask[]> {
    const path = pathOf('topics', topic, 'dlq', 'redrive')
    const reply = await this.#asker.askJson({ method: 'GET', path })
    return (reply as { readonly tasks: readonly RedriveTask[] }).tasks
  }

  /** Rejects with TASK_NOT_FOUND. */
  async task(topic: string, id: string): Promise<RedriveTask> {
    const path = pathOf('topics', topic, 'dlq', 'redrive', id)
    return (await this.#asker.askJson({ method: 'GET', path })) as RedriveTask
  }

  /** What came back stays. Rejects with TASK_NOT_FOUND. */
  async cancel(topic: string, id: string): Promise<RedriveTask> {
    const path = pathOf('topics', topic, 'dlq', 'redrive', id)
    return (await this.#asker.askJson({ method: 'DELETE', path })) as RedriveTask
  }
}

const PAGE = 500
