/** Single records at random offsets over one connection: the whole way a read takes. */
import { seededRandom } from '../support/random.ts'
import { percentile } from '../support/statistics.ts'
import { LeanConnection } from './connection.ts'
import { decodeAll } from './reading.ts'
import { readRequest } from './requests.ts'
import { storedMessages } from './topic.ts'

export interface RandomReadJob {
  readonly kind: 'random-read'
  readonly port: number
  readonly reads: number
  readonly seed: number
}

export async function runRandomRead(job: RandomReadJob): Promise<{ p50Ms: number; p99Ms: number }> {
  const records = await storedMessages(job.port)
  const random = seededRandom(job.seed)
  const latenciesMs = new Float64Array(job.reads)
  let done = 0
  let sentMs = 0
  await new Promise<void>((resolve, reject) => {
    let offset = 0
    const ask = (): void => {
      offset = Math.floor(random() * records)
      sentMs = performance.now()
      connection?.send(readRequest({ format: 'raw', offset, limit: 1 }))
    }
    let connection: LeanConnection | undefined
    const take = (status: number, body: Buffer): void => {
      latenciesMs[done] = performance.now() - sentMs
      if (status !== 200) throw new Error(`status ${status}: ${body.toString()}`)
      if (decodeAll(body, offset) !== 1) throw new Error(`offset ${offset}: not one record`)
      done += 1
      if (done < job.reads) ask()
      else {
        connection?.close()
        resolve()
      }
    }
    LeanConnection.open({
      port: job.port,
      onFailure: reject,
      onResponse: (status, body) => {
        try {
          take(status, body)
        } catch (error) {
          reject(error)
        }
      },
    }).then((opened) => {
      connection = opened
      ask()
    }, reject)
  })
  const sorted = latenciesMs.sort()
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) }
}
