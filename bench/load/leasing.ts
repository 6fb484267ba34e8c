/**
 * Every record of a topic is handed out and left so: each by a lease of its own, which is what costs most memory. The
 * members' polls are raw, one record each; at the end the group must say that so many are unresolved.
 */
import { Caller, joinGroup, jsonRequest } from './caller.ts'
import { TOPIC } from './requests.ts'

export interface LeasingJob {
  readonly kind: 'leasing'
  readonly port: number
  readonly records: number
  /** Records of one lease. */
  readonly batch: number
  readonly members: number
}

interface GroupReply {
  readonly delivery: { readonly unresolved: number }
}

const GROUP = 'leasing'
const HOLD_MAX = 100_000

export async function runLeasing(job: LeasingJob): Promise<{ unresolved: number }> {
  const members = await Promise.all(
    Array.from({ length: job.members }, () => Caller.open(job.port)),
  )
  const ids: (string | undefined)[] = members.map(() => undefined)
  // Each join tells the members before it to come again.
  for (let round = 0; round < 2; round += 1) {
    for (const [i, member] of members.entries()) {
      ids[i] = await joinGroup(member, GROUP, { topics: [TOPIC], member_id: ids[i] })
    }
  }
  const [first] = members
  if (first === undefined) throw new Error('no members')
  const policy = { max_in_flight: HOLD_MAX, visibility_timeout: '1h' }
  await first.json('PATCH', `/groups/${GROUP}/delivery`, policy)
  let left = job.records
  await Promise.all(
    members.map(async (member, i) => {
      const body = { member_id: ids[i], max_messages: job.batch }
      const lease = jsonRequest('POST', `/groups/${GROUP}/lease`, body)
      while (left > 0) {
        left -= job.batch
        const { length } = await member.ask(lease)
        if (length === 0) throw new Error('nothing was handed out')
      }
    }),
  )
  const { delivery } = (await first.json('GET', `/groups/${GROUP}`)) as GroupReply
  for (const member of members) member.close()
  if (delivery.unresolved === job.records) return delivery
  throw new Error(`${delivery.unresolved} of ${job.records} records are handed out`)
}
