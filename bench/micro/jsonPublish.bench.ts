/** The body of a JSON publish to the bytes of a batch: the broker's one pass, and what else could be done. */
import { readJsonBatch } from '../../src/listeners/http/publish/jsonBatch.ts'
import { BatchBuilder } from '../../src/record/index.ts'
import { encode } from '../floor/http.ts'
import { textOf } from '../load/requests.ts'
import { type MicroCases, runIfMain } from '../support/micro.ts'

interface Body {
  readonly messages: readonly { readonly value: string }[]
}

const bodyOf = (batch: number, valueBytes: number): Buffer => {
  const messages = Array.from({ length: batch }, (_, i) => ({ value: textOf(valueBytes, i) }))
  return Buffer.from(JSON.stringify({ messages, acks: 'leader' }))
}

const parsed = (body: Buffer): Body => JSON.parse(body.toString()) as Body

function build(body: Buffer): unknown {
  const { messages } = parsed(body)
  const builder = new BatchBuilder(body.length)
  for (const { value } of messages) builder.add({ value })
  return builder.take()
}

const all: Record<string, () => unknown> = {}
for (const [batch, valueBytes] of [
  [1, 100],
  [100, 100],
  [1_000, 100],
  [100, 1_024],
] as const) {
  const body = bodyOf(batch, valueBytes)
  const shape = `${batch} × ${valueBytes} B`
  all[`${shape}: the broker's one pass`] = () => readJsonBatch(body)
  all[`${shape}: JSON.parse alone`] = () => parsed(body)
  all[`${shape}: JSON.parse, then the builder`] = () => build(body)
  all[`${shape}: JSON.parse, then the floor's encoder with checksums`] = () =>
    encode(parsed(body).messages)
}

export const cases: MicroCases = all
await runIfMain(import.meta.url, 'listeners/http/publish', cases)
