/** Events and snapshots as JSON; what a newer broker wrote is refused, never skipped. */
import { jsonCodec, type StateCodec } from '../state/index.ts'
import type { GroupEvent } from './events.ts'
import type { GroupsSnapshot } from './machine.ts'

const EVENT_TYPES: Readonly<Record<GroupEvent['type'], true>> = {
  created: true,
  deleted: true,
  topic: true,
  assignmentSet: true,
  joined: true,
  left: true,
  committed: true,
  reset: true,
}
const json = jsonCodec<GroupEvent, GroupsSnapshot>()

export const groupsCodec: StateCodec<GroupEvent, GroupsSnapshot> = {
  ...json,
  decodeEvent(bytes) {
    const event = json.decodeEvent(bytes)
    if (!Object.hasOwn(EVENT_TYPES, event.type)) throw new Error(`unknown event ${event.type}`)
    return event
  },
  decodeSnapshot(bytes) {
    const snapshot = json.decodeSnapshot(bytes)
    if (snapshot.version !== 1) throw new Error(`unknown snapshot version ${snapshot.version}`)
    return snapshot
  },
}
