/** Messages that wait for their time: looked at, cancelled, put off. */
import type { DelayedEntry, DelayedList, DelayStats } from '../api/index.ts'
import { pathOf, type Query } from './connection.ts'
import { type When, whenJson } from './producer/due.ts'
import type { JsonAsker } from './worker/receipts.ts'

/** Where a message waits: what a producer's delivery of it says, too. */
export interface DelayedPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface DelayedFilter {
  /** Due then or later: a date, an RFC 3339 time, or milliseconds since 1970. */
  readonly from?: Date | string | number | undefined
  /** Due before. */
  readonly to?: Date | string | number | undefined
}

export interface DelayedPage {
  readonly messages: readonly DelayedEntry[]
  /** Where to go on; undefined at the end. */
  readonly cursor: string | undefined
}

const PAGE = 1_000

export class Delayed {
  readonly #asker: JsonAsker

  constructor(asker: JsonAsker) {
    this.#asker = asker
  }

  /** Those of `topic` that wait, by the time they are due; `limit` 1 to 1,000, default 100. Rejects with TOPIC_NOT_FOUND. */
  async page(
    topic: string,
    { from, to }: DelayedFilter = {},
    { limit, cursor }: { readonly limit?: number; readonly cursor?: string | undefined } = {},
  ): Promise<DelayedPage> {
    const query: Query = { from_time: timeText(from), to_time: timeText(to), limit, cursor }
    const path = pathOf('topics', topic, 'delayed')
    const list = (await this.#asker.askJson({ method: 'GET', path, query })) as DelayedList
    return { messages: list.messages, cursor: list.cursor === '' ? undefined : list.cursor }
  }

  /** All of them, page by page. */
  async *list(topic: string, filter: DelayedFilter = {}): AsyncGenerator<DelayedEntry> {
    let cursor: string | undefined
    do {
      const page: DelayedPage = await this.page(topic, filter, { limit: PAGE, cursor })
      yield* page.messages
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  /** One, in any state. Rejects with DELAYED_NOT_FOUND. */
  async get(place: DelayedPlace): Promise<DelayedEntry> {
    return (await this.#asker.askJson({ method: 'GET', path: pathTo(place) })) as DelayedEntry
  }

  /**
   * Resolves when it is on disk that the message will never be delivered; also where it was cancelled before.
   * Rejects with DELAYED_NOT_FOUND, and with ALREADY_DELIVERED where it is too late.
   */
  async cancel(place: DelayedPlace): Promise<void> {
    await this.#asker.askJson({ method: 'DELETE', path: pathTo(place) })
  }

  /**
   * Gives it another time; a delay counts from the broker's now, and a time that is past delivers at once. Resolves
   * with the message when that is on disk. Rejects with DELAYED_NOT_FOUND and ALREADY_DELIVERED.
   */
  async reschedule(place: DelayedPlace, when: When): Promise<DelayedEntry> {
    const json = whenJson(when)
    const path = pathTo(place)
    return (await this.#asker.askJson({ method: 'PATCH', path, json })) as DelayedEntry
  }

  /** How many wait, were delivered and cancelled, and how late deliveries were. */
  async stats(): Promise<DelayStats> {
    return (await this.#asker.askJson({ method: 'GET', path: '/delay/stats' })) as DelayStats
  }
}

const pathTo = ({ topic, partition, offset }: DelayedPlace): string =>
  pathOf('topics', topic, 'delayed', partition, offset)

const timeText = (time: Date | string | number | undefined): string | undefined =>
  time === undefined || typeof time === 'string' ? time : new Date(time).toISOString()
