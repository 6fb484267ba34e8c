/** The routes of consumer groups, and of reads over many partitions. */
import type { TSchema } from 'typebox'
import type { RouteContract } from './contract.ts'
import { FETCH_TYPE, FetchBody, GroupFetchBody } from './fetch.ts'
import * as groups from './groups.ts'

const json = (schema: TSchema): Record<string, TSchema> => ({ 'application/json': schema })
const Frames: TSchema = {
  type: 'string',
  format: 'binary',
  description:
    'frames back to back, one for each read that has something to say; none where nothing came: ' +
    'read index u32, error i32 (0 none), next offset u64, high watermark u64, length u32, records; big-endian',
}

const tag = 'Consumer groups'
const ofGroup = { tag, params: groups.GroupParams } as const

export const GROUP_ROUTES: readonly RouteContract[] = [
  {
    ...{ path: 'groups', method: 'GET', tag, summary: 'List the groups' },
    reply: json(groups.GroupList),
  },
  {
    ...{ ...ofGroup, path: 'group', method: 'GET' },
    summary: 'Describe a group: members, assignment, lag',
    reply: json(groups.GroupReply),
    errors: [404],
  },
  {
    ...{ ...ofGroup, path: 'group', method: 'DELETE' },
    summary: 'Delete a group without members, with its floors',
    reply: json(groups.DeleteGroupReply),
    errors: [404, 409],
  },
  {
    ...{ ...ofGroup, path: 'groupJoin', method: 'POST' },
    summary: 'Become a member, or come back as one',
    body: json(groups.JoinBody),
    reply: json(groups.JoinReply),
    errors: [409, 422, 429],
  },
  {
    ...{ ...ofGroup, path: 'groupHeartbeat', method: 'POST', summary: 'Show that a member lives' },
    body: json(groups.HeartbeatBody),
    reply: json(groups.HeartbeatReply),
    errors: [404, 409],
  },
  {
    ...{ ...ofGroup, path: 'groupLeave', method: 'POST', summary: 'End a membership' },
    body: json(groups.LeaveBody),
    reply: json(groups.LeaveReply),
    errors: [404],
  },
  {
    ...{ ...ofGroup, path: 'groupPoll', method: 'GET' },
    summary: 'Take records of the assigned partitions; wait for the first',
    query: groups.PollQuery,
    reply: json(groups.PollReply),
    errors: [404, 409, 422],
  },
  {
    ...{ ...ofGroup, path: 'groupOffsets', method: 'GET', summary: 'Committed offsets' },
    query: groups.OffsetsQuery,
    reply: json(groups.OffsetsReply),
    errors: [404],
  },
  {
    ...{ ...ofGroup, path: 'groupOffsets', method: 'POST', summary: 'Commit offsets' },
    body: json(groups.CommitBody),
    reply: json(groups.CommitReply),
    errors: [403, 404, 409],
  },
  {
    ...{ ...ofGroup, path: 'groupOffsetsReset', method: 'POST' },
    summary: 'Move committed offsets of partitions that nobody holds',
    body: json(groups.ResetBody),
    reply: json(groups.ResetReply),
    errors: [404, 409],
  },
  {
    ...{ ...ofGroup, path: 'groupFetch', method: 'POST' },
    summary: 'Read assigned partitions from own positions, raw; wait for the first record',
    body: json(GroupFetchBody),
    reply: { [FETCH_TYPE]: Frames },
    errors: [403, 404, 409],
  },
  {
    ...{ path: 'fetch', method: 'POST', tag: 'Messages' },
    summary: 'Read many partitions, raw; wait for the first record',
    body: json(FetchBody),
    reply: { [FETCH_TYPE]: Frames },
  },
]
