/** A connection that asks one thing after the other and waits for each answer. */
import { LeanConnection } from './connection.ts'
import { request } from './requests.ts'

const JSON_BODY = { 'content-type': 'application/json' }

export class Caller {
  #connection: LeanConnection | undefined
  #answer: (status: number, body: Buffer) => void = () => undefined
  #fail: (error: Error) => void = () => undefined

  static async open(port: number): Promise<Caller> {
    const caller = new Caller()
    caller.#connection = await LeanConnection.open({
      port,
      onResponse: (status, body) => caller.#answer(status, body),
      onFailure: (error) => caller.#fail(error),
    })
    return caller
  }

  /** The body of the answer, a view that holds until the next one. Rejects unless its status is 2xx. */
  ask(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#fail = reject
      this.#answer = (status, body) => {
        if (status >= 200 && status < 300) resolve(body)
        else reject(new Error(`status ${status}: ${body.toString()}`))
      }
      this.#connection?.send(bytes)
    })
  }

  async json(method: string, path: string, body?: object): Promise<unknown> {
    return JSON.parse((await this.ask(jsonRequest(method, path, body))).toString())
  }

  close(): void {
    this.#connection?.close()
  }
}

export const jsonRequest = (method: string, path: string, body?: object): Buffer =>
  body === undefined
    ? request(method, path, {})
    : request(method, path, JSON_BODY, Buffer.from(JSON.stringify(body)))

/** The id of a new member. */
export async function joinGroup(
  caller: Caller,
  group: string,
  body: { readonly topics: readonly string[]; readonly member_id?: string | undefined },
): Promise<string> {
  const reply = (await caller.json('POST', `/groups/${group}/join`, {
    ...{ client_id: 'bench', assignment: 'shared', session_timeout: '30m' },
    ...body,
  })) as { readonly member_id: string }
  return reply.member_id
}
