/** The operations of consumer groups, and reads over many partitions. */

import type { Delivered, GroupDelivery } from '../delivery/index.ts'
import type {
  CommitRequest,
  FloorChange,
  GroupFetchRequest,
  GroupView,
  JoinRequest,
  Membered,
  Polled,
  PollRequest,
  Read,
  ResetRequest,
} from '../groups/index.ts'
import type { Fetched, FetchRead } from '../topics/index.ts'

interface OfMember {
  readonly group: string
  readonly memberId: string
}

/** Topic to partition to offset. */
export type CommittedOffsets = ReadonlyMap<string, ReadonlyMap<number, number>>

export interface GroupOperations {
  'groups.list': { input: Record<string, never>; output: readonly string[] }
  /** `delivery` of a group in ack mode. */
  'groups.describe': {
    input: { readonly group: string }
    output: GroupView & { readonly delivery?: GroupDelivery }
  }
  'groups.delete': { input: { readonly group: string }; output: undefined }
  'groups.join': { input: JoinRequest; output: Membered }
  'groups.heartbeat': { input: OfMember & { readonly generation: number }; output: Membered }
  'groups.leave': { input: OfMember; output: undefined }
  /** In ack mode what is handed out is leased. */
  'groups.poll': {
    input: PollRequest & { readonly visibilityMs?: number | undefined }
    output: Read<Polled | Delivered>
  }
  'groups.offsets': {
    /** Without a topic: of all. */
    input: { readonly group: string; readonly topic?: string | undefined }
    output: CommittedOffsets
  }
  'groups.commit': { input: CommitRequest; output: readonly FloorChange[] }
  'groups.reset': { input: ResetRequest; output: readonly FloorChange[] }
  /** Assigned partitions from positions that the member keeps itself. */
  'groups.fetch': { input: GroupFetchRequest; output: Read<readonly Fetched[]> }
  /** Many partitions of any topics, with one wait over all of them. */
  'records.fetch': {
    input: {
      readonly reads: readonly FetchRead[]
      readonly maxBytes: number
      readonly waitMs: number
    }
    output: readonly Fetched[]
  }
}
