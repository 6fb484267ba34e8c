/** The few calls beside the load: a fresh topic for each turn, and how much it holds at its end. */
import { TOPIC } from './requests.ts'

interface TopicReply {
  readonly total_messages?: unknown
}

async function call(port: number, method: string, path: string, body?: object): Promise<Response> {
  return await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
}

async function expectOk(response: Response, what: string): Promise<Response> {
  if (response.ok) return response
  throw new Error(`${what}: ${response.status} ${await response.text()}`)
}

/** Deletes the topic and makes it anew, empty. */
export async function freshTopic(port: number, name = TOPIC, partitions = 1): Promise<void> {
  const gone = await call(port, 'DELETE', `/topics/${name}`)
  if (gone.status !== 404) await expectOk(gone, `DELETE ${name}`)
  await gone.arrayBuffer()
  const made = await call(port, 'POST', '/topics', { name, num_partitions: partitions })
  await (await expectOk(made, `POST ${name}`)).arrayBuffer()
}

export async function storedMessages(port: number, name = TOPIC): Promise<number> {
  const response = await expectOk(await call(port, 'GET', `/topics/${name}`), `GET ${name}`)
  const reply = (await response.json()) as TopicReply
  if (typeof reply.total_messages !== 'number') throw new Error('GET topic: no total_messages')
  return reply.total_messages
}
