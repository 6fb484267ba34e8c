/** A group in ack mode over HTTP, with a clock that stands still. */
import { onTestFinished } from 'vitest'
import { FakeClock } from '../../support/fakeClock.ts'
import { type Answered, startHttpStub } from '../../support/httpStub.ts'

export interface Message {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: string
  readonly receipt_handle: string
  readonly delivery_count: number
}

export async function setup({ partitions = 1, topic = 't', join = {} } = {}) {
  const clock = new FakeClock()
  const stub = await startHttpStub({ clock })
  onTestFinished(() => stub.stop())
  await stub.broker.createTopic(topic, { partitions })
  const post = async (path: string, json: object): Promise<Answered> =>
    await stub.ask('POST', path, { json })
  const member = async (more: object = {}) => {
    const body = { client_id: 'w', topics: [topic], session_timeout: '30m', ...join, ...more }
    return (await post('/groups/g/join', body)).json['member_id'] as string
  }
  const member_id = await member()
  return {
    ...{ stub, clock, topic, member_id, member, post },
    get: async (path: string) => (await stub.ask('GET', path)).json,
    publish: async (...values: string[]) => {
      await stub.broker.publish(
        topic,
        values.map((value) => ({ value, key: 'k' })),
      )
    },
    poll: async (query: Record<string, string | number> = {}): Promise<Message[]> => {
      const given = Object.entries({ member_id, timeout: 0, ...query }).map(([k, v]) => `${k}=${v}`)
      const answer = await stub.ask('GET', `/groups/g/poll?${given.join('&')}`)
      return answer.json['messages'] as Message[]
    },
    /** `status` and `code` or the body. */
    say: async (what: string, body: object) => {
      const { status, json } = await post(`/messages/${what}`, body)
      return status === 200 ? json : [status, json['code']]
    },
  }
}

export const handles = (messages: readonly Message[]): string[] =>
  messages.map(({ receipt_handle }) => receipt_handle)

export const handle = (messages: readonly Message[], at = 0): string =>
  messages[at]?.receipt_handle ?? ''
