/**
 * The one member of a consumer group, life after life of the broker: commits on and on and notes what was
 * acknowledged. In the next life it shows itself by a heartbeat, is in the same generation, and every floor is one that
 * was acknowledged, or the one that was on its way.
 */
import { PARTITIONS, TOPIC } from './writer.ts'

const GROUP = 'readers'
const MEMBER = 'only'

type Floors = Readonly<Record<string, number>>

export class Committer {
  #generation: number | undefined
  readonly #acknowledged = new Map<string, number>()
  readonly #asked = new Map<string, number>()
  #commits = 0

  get commits(): number {
    return this.#commits
  }

  /** Throws where the group is not as it was left. */
  async begin(url: string): Promise<void> {
    if (this.#generation === undefined) {
      const join = { client_id: MEMBER, member_id: MEMBER, topics: [TOPIC], mode: 'offset' }
      const joined = await ask(url, 'join', { ...join, session_timeout: '10m' })
      this.#generation = (joined as { readonly generation: number }).generation
    } else {
      await ask(url, 'heartbeat', { member_id: MEMBER, generation: this.#generation })
    }
    const reply = (await ask(url, 'offsets')) as { readonly offsets: Record<string, Floors> }
    const floors = reply.offsets[TOPIC] ?? {}
    for (const [partition, asked] of this.#asked) {
      const owed = this.#acknowledged.get(partition) ?? -1
      const floor = floors[partition] ?? -1
      if (floor >= owed && floor <= asked) continue
      throw new Error(`FloorsLast: ${floor} of partition ${partition}, ${owed} to ${asked}`)
    }
  }

  /** Commits until the connection breaks. */
  async run(url: string): Promise<void> {
    for (;;) {
      const partition = String(this.#commits % PARTITIONS)
      const offset = (this.#asked.get(partition) ?? 0) + 1
      this.#asked.set(partition, offset)
      const commit = { member_id: MEMBER, generation: this.#generation }
      try {
        await ask(url, 'offsets', { ...commit, offsets: { [TOPIC]: { [partition]: offset } } })
      } catch (error) {
        const isGone = error instanceof TypeError || String(error).includes('SHUTTING_DOWN')
        if (isGone) return
        throw error
      }
      this.#acknowledged.set(partition, offset)
      this.#commits += 1
    }
  }
}

async function ask(url: string, action: string, body?: object): Promise<unknown> {
  const content = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
  const path = `${url}/groups/${GROUP}/${action}`
  const response = await fetch(path, body === undefined ? {} : content)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${action}: ${response.status} ${text}`)
  return JSON.parse(text)
}
