/**
 * Every record of a topic is handed out and left so: each by a lease of its own, which is what costs most memory. The
 * members' polls are raw, one record each; at the end the group must say that so many are unresolved.
 */
import { LeanConnection } from './connection.ts'
import { request, TOPIC } from './requests.ts'

export interface LeasingJob {
  readonly kind: 'leasing'
  readonly port: number
  readonly records: number
  readonly members: number
}

interface GroupReply {
  readonly delivery: { readonly unresolved: number }
}

const GROUP = 'leasing'
const JSON_BODY = { 'content-type': 'application/json' }
const HOLD_MAX = 100_000

export async function runLeasing(job: LeasingJob): Promise<{ unresolved: number }> {
  const first = await Member.open(job.port)
  const members = [first]
  while (members.length < job.members) members.push(await Member.open(job.port))
  for (const member of members) await member.join()
  await first.ask('PATCH', `/groups/${GROUP}/delivery`, {
    max_in_flight: HOLD_MAX,
    visibility_timeout: '1h',
  })
  let left = job.records
  await Promise.all(
    members.map(async (member) => {
      while (left > 0) {
        left -= 1
        await member.lease()
      }
    }),
  )
  const { delivery } = (await first.ask('GET', `/groups/${GROUP}`)) as GroupReply
  for (const member of members) member.close()
  if (delivery.unresolved !== job.records) {
    throw new Error(`${delivery.unresolved} of ${job.records} records are handed out`)
  }
  return delivery
}

class Member {
  #connection: LeanConnection | undefined
  #answer: (status: number, body: Buffer) => void = () => undefined
  #fail: (error: Error) => void = () => undefined
  #lease: Buffer = Buffer.alloc(0)

  static async open(port: number): Promise<Member> {
    const member = new Member()
    member.#connection = await LeanConnection.open({
      port,
      onResponse: (status, body) => member.#answer(status, body),
      onFailure: (error) => member.#fail(error),
    })
    return member
  }

  async join(): Promise<void> {
    const reply = (await this.ask('POST', `/groups/${GROUP}/join`, {
      ...{ client_id: 'bench', topics: [TOPIC], assignment: 'shared', session_timeout: '30m' },
    })) as { readonly member_id: string }
    const body = { member_id: reply.member_id, max_messages: 1 }
    const path = `/groups/${GROUP}/lease`
    this.#lease = request('POST', path, JSON_BODY, Buffer.from(JSON.stringify(body)))
  }

  async lease(): Promise<void> {
    await this.#send(this.#lease)
  }

  async ask(method: string, path: string, body?: object): Promise<unknown> {
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body))
    const reply = await this.#send(
      request(method, path, body === undefined ? {} : JSON_BODY, bytes),
    )
    return JSON.parse(reply.toString())
  }

  close(): void {
    this.#connection?.close()
  }

  #send(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#fail = reject
      this.#answer = (status, body) => {
        if (status === 200) resolve(body)
        else reject(new Error(`status ${status}: ${body.toString()}`))
      }
      this.#connection?.send(bytes)
    })
  }
}
