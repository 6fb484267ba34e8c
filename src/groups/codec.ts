/** Events and snapshots as JSON; what a newer broker wrote is refused, never skipped. */
import { strictJsonCodec } from '../state/index.ts'
import type { GroupEvent } from './events.ts'
import type { GroupsSnapshot } from './machine.ts'

export const groupsCodec = strictJsonCodec<GroupEvent, GroupsSnapshot>(
  {
    created: true,
    deleted: true,
    topic: true,
    assignmentSet: true,
    joined: true,
    left: true,
    committed: true,
    reset: true,
  },
  1,
)
