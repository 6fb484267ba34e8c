import { LeanConnection } from '../load/connection.ts'
import { pause } from './pause.ts'

const STATUS_OK = 200
const RETRY_MS = 5

const once = (port: number, request: Buffer): Promise<number> =>
  new Promise((resolve, reject) => {
    let connection: LeanConnection | undefined
    LeanConnection.open({
      port,
      onFailure: reject,
      onResponse: (status) => {
        connection?.close()
        resolve(status)
      },
    }).then((opened) => {
      connection = opened
      opened.send(request)
    }, reject)
  })

/** Asks until the answer is a 200; rejects when `limitMs` is over. */
export async function firstAnswer(port: number, request: Buffer, limitMs: number): Promise<void> {
  const untilMs = performance.now() + limitMs
  while (performance.now() < untilMs) {
    if ((await once(port, request)) === STATUS_OK) return
    await pause(RETRY_MS)
  }
  throw new Error(`no answer within ${limitMs} ms`)
}
