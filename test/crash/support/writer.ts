/** One client that sends batch after batch to the daemon and notes every answer, until the daemon is gone. */
import {
  BatchBuilder,
  encodeWireBatch,
  WIRE_BATCH_CONTENT_TYPE,
} from '../../../src/record/index.ts'
import type { SeededRandom } from '../../support/random.ts'
import type { Account, SentRun } from './account.ts'

export const PARTITIONS = 3
export const TOPIC = 'orders'

/** How a writer sends: what a request looks like, and where its records go. */
export interface Manner {
  readonly form: 'json' | 'raw'
  readonly acks: 'leader' | 'all'
  readonly recordsMax: number
  /** Records of one request go to all partitions (JSON), or to one. */
  readonly spread: boolean
}

export interface WriterOptions {
  readonly id: number
  readonly manner: Manner
  readonly account: Account
  readonly random: SeededRandom
}

interface Reply {
  readonly results: readonly { readonly partition: number; readonly offset: number }[]
}

export class Writer {
  readonly #options: WriterOptions
  #sequence = 0

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** Sends until the connection breaks; `onAnswer` is told of each acknowledged request. */
  async run(url: string, onAnswer: () => void): Promise<void> {
    const { account } = this.#options
    for (;;) {
      const runs = this.#nextRuns()
      account.send(runs)
      const reply = await this.#answer(url, runs)
      if (reply === undefined) return
      for (const run of runs) {
        const offset = reply.results.find((each) => each.partition === run.partition)?.offset
        if (offset === undefined) throw new Error(`no result for partition ${run.partition}`)
        account.acknowledge(run, offset)
      }
      onAnswer()
    }
  }

  /** Undefined where the daemon is going or gone: whether the request was served is then not known. */
  async #answer(url: string, runs: readonly SentRun[]): Promise<Reply | undefined> {
    let response: Response
    let text: string
    try {
      response = await this.#post(url, runs)
      text = await response.text()
    } catch (error) {
      if (error instanceof TypeError) return undefined
      throw error
    }
    if (response.status === 200) return JSON.parse(text) as Reply
    if (text.includes('SHUTTING_DOWN')) return undefined
    throw new Error(`${response.status}: ${text}`)
  }

  #nextRuns(): SentRun[] {
    const { id, manner, random } = this.#options
    const sequence = this.#sequence
    this.#sequence += 1
    const home = id % PARTITIONS
    const partitions = manner.spread ? [0, 1, 2] : [home]
    return partitions.map((partition) => {
      const count = random.between(1, manner.recordsMax)
      const values = Array.from({ length: count }, (_, index) => {
        const padding = '.'.repeat(random.chance(0.05) ? random.int(4000) : random.int(150))
        return `${id}:${sequence}:${index}:${count}:${padding}`
      })
      return { writer: id, sequence, partition, values, offset: undefined }
    })
  }

  #post(url: string, runs: readonly SentRun[]): Promise<Response> {
    const { form, acks } = this.#options.manner
    const path = `${url}/topics/${TOPIC}/messages`
    if (form === 'json') return post(path, 'application/json', jsonBody(runs, acks))
    const query = `?partition=${runs[0]?.partition}&acks=${acks}`
    return post(path + query, WIRE_BATCH_CONTENT_TYPE, rawBody(runs))
  }
}

const post = (url: string, type: string, body: string | Uint8Array<ArrayBuffer>) =>
  fetch(url, { method: 'POST', headers: { 'content-type': type }, body })

const jsonBody = (runs: readonly SentRun[], acks: string): string =>
  JSON.stringify({
    acks,
    messages: runs.flatMap(({ partition, values }) =>
      values.map((value) => ({ value, partition })),
    ),
  })

function rawBody(runs: readonly SentRun[]): Uint8Array<ArrayBuffer> {
  const builder = new BatchBuilder()
  for (const { values } of runs) for (const value of values) builder.add({ value })
  return new Uint8Array(encodeWireBatch(builder.take()))
}
