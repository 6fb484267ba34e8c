/** The daemon and the client under a load of single messages: no request makes hidden classes of its own. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startDaemon, type TestDaemon, temporaryDirectory } from '../support/daemon.ts'
import { mapLogFlags, placesThatMakeMaps } from '../support/mapLog.ts'

const TIMES = 400
/** Of 400 requests: what is made for each connection or at the start is far below. */
const MAPS_MIN = 300

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** One message after the other through a producer, a consumer, a group and a worker; ends when all have seen all. */
const CLIENT = `
import { Client } from 'goqueue/client'
const [url, times] = [process.argv[1], Number(process.argv[2])]
const client = new Client({ url })
await client.admin.createTopic({ name: 't', partitions: 1 })
const producer = client.producer({ lingerMs: 0 })
const all = (run) => new Promise((resolve, reject) => {
  let seen = 0
  run(() => { seen += 1; if (seen === times) resolve() }).catch(reject)
})
const consumer = client.consumer({ topic: 't', from: 'earliest' })
const group = client.groupConsumer({ group: 'g', topics: ['t'] })
const worker = client.worker({ group: 'w', topics: ['t'], handler: () => saw() })
let saw
const seen = [
  all(async (one) => { for await (const _ of consumer) one() }),
  all((one) => group.eachMessage(async () => one())),
  all((one) => { saw = one; return worker.run() }),
]
for (let i = 0; i < times; i += 1) await producer.send({ topic: 't', key: 'k', value: 'v' })
await Promise.all(seen)
await Promise.all([consumer.close(), group.close(), worker.close()])
await client.close()
`

/** The same as plain requests. */
async function plainRequests({ ask }: TestDaemon): Promise<void> {
  await ask('POST', '/topics', { name: 'plain', num_partitions: 1 })
  const members = { offset: '', ack: '' }
  for (const mode of ['offset', 'ack'] as const) {
    const body = { topics: ['plain'], client_id: 'c', mode }
    const reply = await ask('POST', `/groups/${mode}/join`, body)
    members[mode] = (reply as { member_id: string }).member_id
  }
  const page = (path: string): Promise<Page> => ask('GET', path) as Promise<Page>
  for (let i = 0; i < TIMES; i += 1) {
    await ask('POST', '/topics/plain/messages', { messages: [{ key: 'k', value: i }] })
    await page(`/topics/plain/partitions/0/messages?offset=${i}`)
    await page(`/groups/offset/poll?member_id=${members.offset}&auto_commit=true`)
    const { messages } = await page(`/groups/ack/poll?member_id=${members.ack}`)
    await ask('POST', '/topics/plain/messages', { messages: [{ value: i, delay: '1h' }] })
    await ask('POST', '/messages/ack', { receipt_handle: messages[0]?.receipt_handle })
  }
}

interface Page {
  readonly messages: readonly { readonly receipt_handle: string }[]
}

test('an object of a request has the hidden class of those before it', async () => {
  const directory = await temporaryDirectory()
  const [ofDaemon, ofClient] = [join(directory, 'daemon.log'), join(directory, 'client.log')]
  const daemon = await startDaemon({ nodeFlags: mapLogFlags(ofDaemon) })
  const script = ['--input-type=module', '--eval', CLIENT, daemon.url, String(TIMES)]
  const client = promisify(execFile)(process.execPath, [...mapLogFlags(ofClient), ...script], {
    cwd: PROJECT,
  })
  await Promise.all([client, plainRequests(daemon)])
  await daemon.stop()
  const places = {
    daemon: await placesThatMakeMaps(ofDaemon, MAPS_MIN),
    client: await placesThatMakeMaps(ofClient, MAPS_MIN),
  }
  expect(places).toEqual({ daemon: [], client: [] })
})
