/** Consumer groups: who reads what, and how far they have come. */
export {
  ASSIGNMENTS,
  type AssignmentName,
  type MemberPartitions,
  partitionNames,
} from './assignors.ts'
export type {
  CoordinatorOptions as GroupsOptions,
  GroupsMeters,
  GroupsSettings,
} from './coordinator.ts'
export type {
  Floor,
  FloorChange,
  GroupMode,
  OffsetReset,
} from './events.ts'
export type { GroupFetchRequest } from './fetch.ts'
export type { Group } from './group.ts'
export {
  type CommitRequest,
  Groups,
  type Membered,
  type ResetRequest,
  type ResetTo,
} from './groups.ts'
export type { GroupNews } from './news.ts'
export type { Polled, PolledPart, PollRequest } from './poll.ts'
export type { JoinRequest } from './request.ts'
export type { GroupState, GroupView, MemberView, PartitionProgress } from './view.ts'
export type { Read, Visit } from './visit.ts'
